"""How sensitive each layer is to each setting, one at a time: what a scan asks, and what it has found so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from workbench.engine.core.digest import digest_of_json
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import ActivationRule, Calibration, Prune, Recipe, WeightRule, escape_selector

DEFAULT_BITS = (2, 3, 4, 6, 8)
DEFAULT_SPARSITIES = (0.3, 0.5, 0.7, 0.9)
# Below 8 bits, ranges of least squared error lose least; at 8 they are the whole range all the same.
_STYLE, _ACTIVATION_STYLE = WeightRule(range="mse"), ActivationRule()


def digest_of_ranges(samples_digest: str, settings: Calibration) -> str:
    """Names what ranges are set on: other samples, or others of them, give cells other figures.

    Args:
        samples_digest: of the samples that calibration draws from.
        settings: how many, and the seed.
    """
    return digest_of_json([samples_digest, str(settings.samples), str(settings.seed)])


def is_on_same_ranges(one: str, other: str) -> bool:
    """Whether ranges were set on the same samples, as far as both digests say: a scan of an older file has none."""
    return not one or not other or one == other


@dataclass(frozen=True, slots=True, order=True)
class ScanSetting:
    """What is done to one layer alone. Of the four at least one is given.

    Args:
        weights: bits of its weights.
        activations: bits of what goes in and comes out, on weights of as many bits as `weights` says.
        sparsity: fraction of its weights that become zero, 0…1.
        ratio: fraction of its channels that go, with the whole group that they belong to, 0…1.
    """

    weights: int | None = None
    activations: int | None = None
    sparsity: float | None = None
    ratio: float | None = None

    @property
    def text(self) -> str:
        """As heads of columns and messages say it.

        >>> ScanSetting(weights=4).text, ScanSetting(8, 8).text, ScanSetting(sparsity=0.5).text
        ('W4', 'W8A8', '50 % zeros')
        >>> ScanSetting(activations=8).text, ScanSetting(ratio=0.25).text
        ('A8', '25 % fewer channels')
        """
        parts = []
        if self.weights is not None or self.activations is not None:
            weights = "" if self.weights is None else f"W{self.weights}"
            parts.append(weights + ("" if self.activations is None else f"A{self.activations}"))
        if self.sparsity is not None:
            parts.append(f"{100 * self.sparsity:g} % zeros")
        if self.ratio is not None:
            parts.append(f"{100 * self.ratio:g} % fewer channels")
        return ", ".join(parts)

    def to_json(self) -> dict[str, object]:
        """What is said, without the rest."""
        said = {
            "weights": self.weights,
            "activations": self.activations,
            "sparsity": self.sparsity,
            "ratio": self.ratio,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ScanAxes:
    """Which settings a scan tries on each layer.

    Args:
        weight_bits: of weights alone.
        activation_bits: of activations; the weights of such a layer stay in float.
        sparsities: of weights alone.
        ratios: of channels, by groups.
        style: how weights are quantized besides their bits.
        activation_style: how activations are quantized besides their bits.
        criterion: what chooses the channels that go; the plan's own choice without.
    """

    weight_bits: tuple[int, ...] = DEFAULT_BITS
    activation_bits: tuple[int, ...] = ()
    sparsities: tuple[float, ...] = DEFAULT_SPARSITIES
    ratios: tuple[float, ...] = ()
    style: WeightRule = _STYLE
    activation_style: ActivationRule = _ACTIVATION_STYLE
    criterion: str | None = None

    @property
    def settings(self) -> tuple[ScanSetting, ...]:
        """All of them, the quick and telling ones first: bits from many to few, then zeros, then channels."""
        return (
            *(ScanSetting(weights=bits) for bits in sorted(self.weight_bits, reverse=True)),
            *(ScanSetting(activations=bits) for bits in sorted(self.activation_bits, reverse=True)),
            *(ScanSetting(sparsity=sparsity) for sparsity in sorted(self.sparsities)),
            *(ScanSetting(ratio=ratio) for ratio in sorted(self.ratios)),
        )

    def laid_on(self, recipe: Recipe, layers: Sequence[str], setting: ScanSetting, *, kind: str = "filters") -> Recipe:
        """The recipe, with the setting for some layers on top; on an empty one, what a scan does to one alone.

        Args:
            recipe: any.
            layers: their names.
            setting: for each of them; channels go with the whole group of a layer.
            kind: of the channels that go: "filters" or "neurons".
        """
        select = tuple(escape_selector(layer) for layer in layers)
        if setting.weights is not None:
            recipe = recipe.with_rule(select, weights=replace(self.style, bits=setting.weights))
        if setting.activations is not None:
            recipe = recipe.with_rule(select, activations=replace(self.activation_style, bits=setting.activations))
        if setting.sparsity is not None:
            recipe = recipe.with_rule(select, prune=Prune("weights", sparsity=setting.sparsity))
        if setting.ratio is not None:
            prune = Prune(kind, ratio=setting.ratio, criterion=self.criterion)
            recipe = recipe.with_rule(select, prune=prune)
        return recipe


@dataclass(frozen=True, slots=True)
class ScanCell:
    """What one setting of one layer, alone, does to the outputs.

    Args:
        layer: its name; for channels, the first layer of the group.
        setting: what was done.
        kl: KL divergence of the outputs from the float model's, nats, with its interval; where the outputs are no
            classes, the share of noise in them. None if it could not be measured.
        sqnr_db: signal to noise of the outputs, dB; infinite where nothing changed.
        drop: accuracy lost, as a fraction, paired on the same samples; None without labels.
        num_samples: behind these figures so far.
        error: why there are none, in one line.
        soft_drop: what is lost where an answer counts by the probability of the right class, as a fraction; tells more
            of few samples than `drop`, as most of their answers stay right or wrong. None without labels.
    """

    layer: str
    setting: ScanSetting
    kl: Figure | None = None
    sqnr_db: float | None = None
    drop: Figure | None = None
    num_samples: int = 0
    error: str = ""
    soft_drop: Figure | None = None

    def to_json(self) -> dict[str, object]:
        """The entry of the `cells` list that `--json` prints."""
        return {
            "layer": self.layer,
            "setting": self.setting.to_json(),
            "kl": None if self.kl is None else self.kl.to_json(),
            "sqnr_db": self.sqnr_db,
            "accuracy_drop": None if self.drop is None else self.drop.to_json(),
            "soft_drop": None if self.soft_drop is None else self.soft_drop.to_json(),
            "n": self.num_samples,
            "error": self.error,
        }


@dataclass(frozen=True)
class SensitivityScan:
    """What a scan has found so far. Cells that are not measured yet are not there.

    Args:
        model_digest, dataset_digest: what it holds for.
        axes: what is tried.
        layers: names of the layers that are scanned, in graph order.
        cells: those that are known.
        num_samples: how many each cell is to be measured on in the end.
        seconds: what it took here, without what was found in the store.
        num_resumed: how many cells came from the store.
        is_complete: whether every cell is measured on all of the samples, or has its error.
        groups: for each layer whose channels are pruned with others', the first layer of its group.
        ranges_digest: what ranges were set on, by `digest_of_ranges`; "" where nobody said.
    """

    model_digest: str
    dataset_digest: str
    axes: ScanAxes
    layers: tuple[str, ...]
    cells: tuple[ScanCell, ...]
    num_samples: int
    seconds: float = 0.0
    num_resumed: int = 0
    is_complete: bool = False
    groups: tuple[tuple[str, str], ...] = ()
    ranges_digest: str = ""

    def cell(self, layer: str, setting: ScanSetting) -> ScanCell | None:
        """What is known of one setting of a layer; of channels, of the group that the layer belongs to."""
        place = self._first_of_group.get(layer, layer) if setting.ratio is not None else layer
        return self._by_place.get((place, setting))

    def row(self, layer: str) -> tuple[ScanCell, ...]:
        """What is known of a layer, in the order of the settings."""
        found = (self.cell(layer, setting) for setting in self.axes.settings)
        return tuple(cell for cell in found if cell is not None)

    @property
    def num_places(self) -> int:
        """How many cells there are in the end: of each layer, and of each group that can lose channels."""
        firsts = {first for _, first in self.groups}
        return sum(len(firsts if setting.ratio is not None else self.layers) for setting in self.axes.settings)

    @property
    def num_missing(self) -> int:
        """How many cells are not measured yet."""
        return 0 if self.is_complete else max(0, self.num_places - len(self.cells))

    def has_all(self, num_samples: int) -> bool:
        """Whether all that was to be tried is there, on at least so many samples: a store knows no wish of before.

        A scan that was stopped after its early figures has them of every cell, but of fewer.
        """
        counts = [cell.num_samples for cell in self.cells if not cell.error]
        return min(counts, default=0) >= max(1, num_samples) and len(self.cells) >= self.num_places

    @cached_property
    def _by_place(self) -> dict[tuple[str, ScanSetting], ScanCell]:
        return {(cell.layer, cell.setting): cell for cell in self.cells}

    @cached_property
    def _first_of_group(self) -> dict[str, str]:
        return dict(self.groups)
