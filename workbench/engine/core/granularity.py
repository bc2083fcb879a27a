"""How many scales a quantized tensor has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PerTensor:
    """One scale for the whole tensor: scale has shape ()."""

    def __str__(self) -> str:
        """The word a recipe uses."""
        return "per_tensor"


@dataclass(frozen=True, slots=True)
class PerChannel:
    """One scale per output channel: for a (64, 3, 7, 7) Conv weight, scale has shape (64, 1, 1, 1)."""

    def __str__(self) -> str:
        """The word a recipe uses."""
        return "per_channel"


@dataclass(frozen=True, slots=True)
class PerGroup:
    """One scale per run of `size` weights that are summed into the same output.

    A (64, 128, 1, 1) Conv weight with size 32 is seen as (64, 128) and gets scales of shape (64, 4);
    a (128, 64) MatMul weight gets (4, 64). The last group of a row may be shorter.
    """

    size: int

    def __str__(self) -> str:
        """The word a recipe uses."""
        return f"per_group_{self.size}"


Granularity = PerTensor | PerChannel | PerGroup


def parse_granularity(text: str) -> Granularity:
    """The granularity that a recipe's word names.

    >>> parse_granularity("per_group_32")
    PerGroup(size=32)

    Raises:
        ValueError: the word is none of per_tensor, per_channel, per_group, per_group_<size>.
    """
    if text == "per_tensor":
        return PerTensor()
    if text == "per_channel":
        return PerChannel()
    if text == "per_group":
        return PerGroup(32)
    prefix, _, size = text.rpartition("_")
    if prefix == "per_group" and size.isdigit() and int(size) >= 2:
        return PerGroup(int(size))
    raise ValueError(f"{text!r} is not a granularity (per_tensor, per_channel, per_group_32)")
