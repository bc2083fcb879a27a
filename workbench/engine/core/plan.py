"""A recipe resolved on one model: per layer what is asked, what will be done, and why they differ."""

from dataclasses import dataclass, field

from workbench.engine.core.recipe import RECOVER_NOTHING, ActivationSettings, WeightSettings
from workbench.engine.core.weight_pattern import WeightPattern


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """What happens to one layer.

    Args:
        asked, done: in words, such as "prune weights 60.0 %, weights 4 bit per channel".
        reason: why `done` is less than or other than `asked`, or what has to be known of it; otherwise empty.
        threshold: |w| < threshold becomes zero; None for no pruning, or for pruning in a pattern.
        num_kept: how many weights stay after pruning.
        weights: how the weights are quantized; None for float.
        activations: how what goes in and out is quantized; None for float.
        pattern: in which weights become zero; None where a threshold decides.
        is_caution: whether all is done as asked, and the reason only warns of what that does.
    """

    layer: str
    asked: str
    done: str
    reason: str = ""
    threshold: float | None = None
    num_kept: int = 0
    weights: WeightSettings | None = None
    activations: ActivationSettings | None = None
    pattern: WeightPattern | None = None
    is_caution: bool = False

    @property
    def is_pruned(self) -> bool:
        """Whether weights become zero, by a threshold or in a pattern."""
        return bool(self.threshold) or self.pattern is not None

    @property
    def is_changed(self) -> bool:
        """Whether anything happens to the layer."""
        return self.is_pruned or self.weights is not None or self.activations is not None

    @property
    def runs_on_integers(self) -> bool:
        """Whether weights and activations are quantized, with ranges known before or found at run time."""
        return self.weights is not None and self.activations is not None

    @property
    def has_known_ranges(self) -> bool:
        """Whether it runs on integers, and the scale of what goes in is known before."""
        return self.runs_on_integers and self.activations is not None and not self.activations.is_dynamic

    def to_json(self) -> dict[str, object]:
        """The entry of the `plan` list that `--json` prints."""
        return {"layer": self.layer, "asked": self.asked, "done": self.done, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What happens to one channel group.

    Args:
        group: its name.
        kept: how many units of each class stay.
        num_units: how many there are.
        criterion: name of the importance criterion that chooses which stay.
        needs_samples: whether the criterion looks at samples.
        seed: with which a criterion draws what it draws at random.
        recover: what is fitted on samples in the layers that read what is left: a word of RECOVERIES.
    """

    group: str
    kept: tuple[int, ...]
    num_units: int
    criterion: str
    needs_samples: bool = False
    seed: int = 0
    recover: str = RECOVER_NOTHING

    @property
    def num_kept(self) -> int:
        """How many units stay."""
        return sum(self.kept)


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers that a recipe touches, in graph order, and notes that concern the whole model.

    Args:
        equalize: whether weights are equalized across layers first.
        groups: the channel groups that lose some; cut before all else.
        opset: the least that the containers of the plain encoding need; 0 where there are none.
        awaits_samples: whether thresholds, or how many channels go, are foreseen only, until samples have been run.
    """

    layers: tuple[LayerPlan, ...]
    notes: tuple[str, ...] = ()
    equalize: bool = False
    groups: tuple[GroupPlan, ...] = ()
    opset: int = 0
    awaits_samples: bool = False
    _by_name: dict[str, LayerPlan] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Entries by the layer's name."""
        object.__setattr__(self, "_by_name", {entry.layer: entry for entry in self.layers})

    @property
    def needs_samples(self) -> bool:
        """Whether anything that is done depends on samples."""
        return self.calibrates or any(group.needs_samples or group.recover != RECOVER_NOTHING for group in self.groups)

    @property
    def calibrates(self) -> bool:
        """Whether ranges, rounding or biases are set on samples."""
        return any(
            (entry.activations is not None and not entry.activations.is_dynamic)
            or (entry.weights is not None and entry.weights.needs_samples)
            for entry in self.layers
        )

    @property
    def needs_preparation(self) -> bool:
        """Whether the graph is rewritten before anything is quantized, which weights alone do not need."""
        return self.equalize or any(
            entry.activations is not None or (entry.weights is not None and entry.weights.needs_samples)
            for entry in self.layers
        )

    @property
    def is_changed(self) -> bool:
        """Whether the file will be another than that of the model as it is."""
        return self.equalize or bool(self.groups) or any(entry.is_changed for entry in self.layers)

    @property
    def is_refused(self) -> bool:
        """Whether the recipe asks for something and nothing of it can be done, which the entries' reasons tell.

        A recipe that asks for nothing, or for what is so already, is none that is refused.
        """
        return not self.is_changed and any(entry.reason for entry in self.layers)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be said of the whole: the notes, and before them that nothing is done and why, if so."""
        if self.is_changed:
            return self.notes
        reasons = "; ".join(dict.fromkeys(entry.reason for entry in self.layers if entry.reason))
        return (f"nothing was changed: {reasons or 'the recipe asks for nothing that changes a weight'}", *self.notes)

    def layer(self, name: str) -> LayerPlan | None:
        """The entry for one layer, if the recipe touches it."""
        return self._by_name.get(name)
