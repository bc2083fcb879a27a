"""How processors add products of 8-bit codes, and what a model is worth under another processor's rules."""

from dataclasses import dataclass, field
from enum import StrEnum

from workbench.engine.core.reports import EvaluationReport


class CpuRules(StrEnum):
    """Whose rules a quantized model is computed by."""

    THIS = "this"
    SATURATING = "saturating"
    EXACT = "exact"

    @property
    def label(self) -> str:
        """What a reader is told of a figure under these rules; whatever is no run of this computer's says so.

        >>> CpuRules.SATURATING.label
        'emulated: pairs saturate (AVX2/AVX-512 without VNNI)'
        """
        return _LABELS[self]


_LABELS = {
    CpuRules.THIS: "this computer",
    CpuRules.SATURATING: "emulated: pairs saturate (AVX2/AVX-512 without VNNI)",
    CpuRules.EXACT: "emulated: sums are exact (VNNI, ARM)",
}


@dataclass(frozen=True, slots=True)
class LayerSaturation:
    """How often one layer's pairs of products do not fit into 16 bits.

    Args:
        layer: its name.
        num_pairs: pairs of weights that can saturate: two neighbours of one sign, with a sum of 129 or more.
        share: of the layer's outputs, 0…1: those with a saturated pair in their sum, on the samples.
    """

    layer: str
    num_pairs: int
    share: float


@dataclass(frozen=True, slots=True)
class EmulatedReport:
    """How good a model is under the rules of a processor, so far or finally. An emulation, but for `CpuRules.THIS`.

    It is no EvaluationReport, so that no emulated figure gets where those of this computer are kept.

    Args:
        evaluation: the metric; its `difference` and `agreement` are those to this computer, unless `against` says
            another model; both are None under `CpuRules.THIS` alone.
        layers: the most saturated first; empty unless pairs saturate.
        left_out: layers that might saturate and are computed as they are here, each with the reason.
        is_quantized: whether anything of the model is computed on integers; if not, the rules say nothing of it.
    """

    rules: CpuRules
    evaluation: EvaluationReport
    layers: tuple[LayerSaturation, ...] = ()
    left_out: tuple[str, ...] = ()
    is_quantized: bool = True

    @property
    def is_emulated(self) -> bool:
        """Whether the figure is one of a computer that was not there."""
        return self.rules is not CpuRules.THIS


@dataclass(frozen=True, slots=True)
class CpuComparison:
    """One recipe under the rules of several processors, on the same samples.

    Args:
        this_saturates: whether this computer does; None where that is not known.
        rows: this computer first.
        seconds: what all of it took.
    """

    recipe_digest: str
    this_saturates: bool | None
    rows: tuple[EmulatedReport, ...]
    seconds: float = field(default=0.0, compare=False)

    def row(self, rules: CpuRules) -> EmulatedReport | None:
        """The report under these rules, if it was asked for."""
        return next((row for row in self.rows if row.rules is rules), None)
