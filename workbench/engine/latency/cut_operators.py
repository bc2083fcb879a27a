"""Operators at any ratios of a model's channel groups, from one cut of each group: no graph is cut for the others.

Sizes of tensors change by as much as channels go, those of several groups add up: so do the parts of a concatenation,
and a convolution reads one group and writes another. Its multiply-adds follow from both. What is off, such as rounding
within classes of channels, the estimate of a whole model shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import WEIGHTED, Kind, Operator, Shape

# Of each input and of each output, what every size of its shape changes by.
_Change = tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]


@dataclass(frozen=True, slots=True)
class GroupCut:
    """The model without some channels of one group.

    Args:
        operators: of that model.
        num_gone: channels, or units of them, that it lacks.
    """

    operators: ModelOperators
    num_gone: int


class CutOperators:
    """The operators of a model with any number of channels gone from its groups.

    Args:
        whole: the model as it is.
        cuts: one of each group, by the group's name.
    """

    def __init__(self, whole: ModelOperators, cuts: Mapping[str, GroupCut]) -> None:
        self._whole = whole.operators
        self._num_gone = {group: cut.num_gone for group, cut in cuts.items()}
        self._changes: list[dict[str, _Change]] = [{} for _ in self._whole]
        for group, cut in cuts.items():
            left = {operator.name: operator for operator in cut.operators.operators}
            for changes, operator in zip(self._changes, self._whole, strict=True):
                changed = _change(operator, left.get(operator.name, operator))
                if changed is not None:
                    changes[group] = changed

    def __len__(self) -> int:
        return len(self._whole)

    @property
    def whole(self) -> tuple[Operator, ...]:
        """The operators of the model as it is."""
        return self._whole

    def groups_at(self, place: int) -> tuple[str, ...]:
        """The groups that change an operator."""
        return tuple(self._changes[place])

    def at(self, place: int, gone: Mapping[str, int]) -> Operator:
        """One operator, with so many channels gone from groups.

        Args:
            place: of the operator.
            gone: as many as were counted in the cuts, by group; none of the others.
        """
        operator = self._whole[place]
        shares = {
            group: (gone.get(group, 0) / self._num_gone[group], change)
            for group, change in self._changes[place].items()
            if gone.get(group, 0)
        }
        if not shares:
            return operator
        inputs, outputs = list(operator.inputs), list(operator.outputs)
        for share, (in_change, out_change) in shares.values():
            inputs = [_moved(shape, change, share) for shape, change in zip(inputs, in_change, strict=True)]
            outputs = [_moved(shape, change, share) for shape, change in zip(outputs, out_change, strict=True)]
        return _counted(operator, tuple(inputs), tuple(outputs))


def _change(before: Operator, after: Operator) -> _Change | None:
    """What a cut does to an operator's shapes; None where it leaves them, or makes others of them."""
    pairs = (before.inputs, after.inputs), (before.outputs, after.outputs)
    if any(list(map(len, one)) != list(map(len, other)) for one, other in pairs) or before == after:
        return None
    inputs, outputs = (
        tuple(
            tuple(left - size for size, left in zip(shape, cut, strict=True))
            for shape, cut in zip(one, other, strict=True)
        )
        for one, other in pairs
    )
    return inputs, outputs


def _moved(shape: Shape, change: tuple[int, ...], share: float) -> Shape:
    return tuple(max(1, size + round(share * by)) for size, by in zip(shape, change, strict=True))


def _counted(operator: Operator, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operator:
    """The operator with other shapes, and what follows from them."""
    cut = replace(operator, inputs=inputs, outputs=outputs)
    if operator.kind is Kind.ATTENTION:
        share = cut.out_size * inputs[0][-1] / (operator.out_size * operator.inputs[0][-1])
    elif operator.kind in WEIGHTED:
        share = cut.in_channels / operator.in_channels * cut.out_channels / operator.out_channels
        if operator.kind is Kind.DEPTHWISE:
            # Every channel has a kernel of its own: groups go with them.
            cut = replace(cut, groups=cut.in_channels)
            share = cut.out_channels / operator.out_channels
    else:
        return cut
    return replace(cut, macs=round(operator.macs * share), num_params=round(operator.num_params * share))
