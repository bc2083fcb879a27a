"""What `evaluate --cpu` prints of a processor that is not there."""

from workbench.engine.core.cpu_rules import CpuRules, EmulatedReport
from workbench.engine.core.cpu_texts import NO_PAIRS, NOT_QUANTIZED, REDUCE_RANGE, describe_layer, left_out_text

_SHOWN_LAYERS = 5
_HERE = {
    True: "this computer's pairs saturate",
    False: "this computer's sums are exact",
    None: "whether this computer's pairs saturate is not known",
}


def emulated_json(report: EmulatedReport | None, *, this_saturates: bool | None) -> dict[str, object]:
    """The keys that say whether a figure is an emulation, and of what; `emulated` is null for this computer."""
    if report is None:
        return {"emulated": None}
    layers = [{"layer": item.layer, "num_pairs": item.num_pairs, "share": item.share} for item in report.layers]
    return {
        "emulated": str(report.rules),
        "label": report.rules.label,
        "this_saturates": this_saturates,
        "is_quantized": report.is_quantized,
        "saturating_layers": layers,
        "left_out": list(report.left_out),
    }


def print_whose(report: EmulatedReport, *, this_saturates: bool | None) -> None:
    """Whose arithmetic the figures are of, before any of them is read."""
    print(f"{report.rules.label}; {_HERE[this_saturates]}")


def print_saturation(report: EmulatedReport) -> None:
    """Which layers saturate, what can be done, and what is not emulated."""
    if not report.is_quantized:
        print(NOT_QUANTIZED)
    elif report.rules is CpuRules.SATURATING:
        _print_layers(report)
    if report.left_out:
        print(f"note: {left_out_text([report])}")


def _print_layers(report: EmulatedReport) -> None:
    seen = [layer for layer in report.layers if layer.share]
    if not report.layers:
        print(NO_PAIRS)
    elif not seen:
        print(f"{len(report.layers)} layers can saturate, none did on these samples")
    for layer in seen[:_SHOWN_LAYERS]:
        print(f"  {describe_layer(layer)}")
    if len(seen) > _SHOWN_LAYERS:
        print("  … more with --json")
    if seen:
        print(f"note: {REDUCE_RANGE}")
