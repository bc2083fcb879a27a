"""What a comparison of processors says, in words; the window and the command line say the same."""

from collections.abc import Sequence

from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport, LayerSaturation
from workbench.engine.core.format import format_figure, format_fraction, format_interval
from workbench.engine.core.measurement import Figure

REDUCE_RANGE = "reduce_range: true keeps 8-bit weights within 7 bits, so that no pair saturates"
NOT_QUANTIZED = "nothing of it is computed on integers: the rules differ in nothing that is emulated"
NO_PAIRS = "no pair of weights can saturate: as far as is emulated, every processor computes the same"
_THIS = {
    True: "This computer saturates",
    False: "This computer does not saturate",
    None: "Whether this computer saturates is not known",
}
_ELSEWHERE = {CpuRules.EXACT: "where sums are exact (VNNI, ARM)", CpuRules.SATURATING: "where pairs saturate"}
_CAN_DIFFER = {True: (CpuRules.EXACT,), False: (CpuRules.SATURATING,), None: (CpuRules.EXACT, CpuRules.SATURATING)}


def cpu_verdict(comparison: CpuComparison) -> str:
    """Whether this computer and other processors differ, and by how much; "" until that is known."""
    saturating = comparison.row(CpuRules.SATURATING)
    if saturating is None:
        return ""
    if not saturating.layers and not saturating.left_out:
        return _sentence(NO_PAIRS if saturating.is_quantized else NOT_QUANTIZED)
    parts = [_THIS[comparison.this_saturates]]
    for rules in _CAN_DIFFER[comparison.this_saturates]:
        row = comparison.row(rules)
        if row is not None and row.evaluation.difference is not None:
            parts.append(f"{_ELSEWHERE[rules]}: {describe_difference(row.evaluation.difference)}")
    return "; ".join(parts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def cpu_hint(comparison: CpuComparison) -> str:
    """What can be done about saturation; "" where none was seen."""
    row = comparison.row(CpuRules.SATURATING)
    return REDUCE_RANGE if row is not None and any(layer.share for layer in row.layers) else ""


def describe_difference(difference: Figure) -> str:
    """A difference to this computer with its interval.

    >>> from workbench.engine.core.measurement import Origin
    >>> describe_difference(Figure(-0.03, "fraction", Origin.ESTIMATED, -0.05, -0.01, 500))
    '−3.0 pp (95 %: −5.0 … −1.0 pp)'
    >>> describe_difference(Figure(0.002, "fraction", Origin.ESTIMATED, -0.01, 0.014, 500))
    'no difference seen (95 %: −1.0 … +1.4 pp)'
    """
    interval = format_interval(difference, difference=True)
    is_seen = difference.low is None or difference.high is None or difference.low > 0 or difference.high < 0
    text = format_figure(difference, difference=True) if is_seen else "no difference seen"
    return f"{text} (95 %: {interval})" if interval else text


def describe_layer(layer: LayerSaturation) -> str:
    """How often a layer saturates.

    >>> describe_layer(LayerSaturation("stem", 33, 0.1934))
    'stem: 19.3 % of outputs with a saturated pair, of 33 pairs that can'
    >>> describe_layer(LayerSaturation("head", 16, 0.00002))
    'head: under 0.1 % of outputs with a saturated pair, of 16 pairs that can'
    """
    return (
        f"{layer.layer}: {describe_share(layer.share)} of outputs with a saturated pair, "
        f"of {layer.num_pairs:,} pairs that can"
    )


def describe_share(share: float) -> str:
    """A share of outputs, 0…1; a small one is not shown as none."""
    return "under 0.1 %" if 0 < share < 0.0005 else format_fraction(share)


def left_out_text(rows: Sequence[EmulatedReport]) -> str:
    """Which layers are not emulated; "" if all that matter are."""
    names = dict.fromkeys(text for row in rows for text in row.left_out)
    return f"not emulated: {'; '.join(names)}" if names else ""
