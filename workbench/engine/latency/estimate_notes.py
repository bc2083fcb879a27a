"""What has to be said of an estimate: what it rests on, what it leaves out, and why there is none."""

from collections.abc import Iterator

from workbench.engine.core.device_profile import W8A16, Backend, Basis, DeviceProfile
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import WEIGHTED, Kind

# What NPUs leave to the CPU, or refuse with the whole model.
_NOT_ON_NPU = (
    "LSTM", "GRU", "RNN", "NonMaxSuppression", "TopK", "Loop", "If", "Scan", "GridSample", "ScatterND",
    "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat",
)  # fmt: skip
_FEW_PRODUCTS = 0.05
_HARDLY_MEASURED = 0.3
_BYTE = 8


def refusal(model: ModelOperators, profile: DeviceProfile) -> str:
    """Why there is no figure; empty if there is one."""
    if model.misfits:
        return f"no figure: the model does not run, {_some(model.misfits)}; correct it and export again"
    if model.foreign:
        return f"no figure: nobody knows what shapes {_some(model.foreign)} give; export with standard operators"
    if model.unsized:
        return f"no figure: the shape of {_some(model.unsized)} is not known; fix the input's size and export again"
    if not model.operators:
        return "no figure: nothing in the model is computed"
    weighted = [operator for operator in model.operators if operator.kind in WEIGHTED]
    num_int8 = sum(operator.is_int8 for operator in weighted)
    if profile.backend is Backend.NPU:
        if model.has_ranges_at_run_time:
            return "no figure: activations are quantized with ranges found at run time, which NPUs do not do"
        stuck = [one.op_type for one in model.operators if one.op_type in _NOT_ON_NPU]
        stuck += model.unknown
        if stuck:
            names = _some(tuple(dict.fromkeys(stuck)))
            return f"no figure: {names} may not run on the NPU, and what is left to the CPU was not measured"
    if num_int8 and not profile.knows_int8 and profile.backend is not Backend.GPU:
        return f"no figure: nothing quantized was measured on {profile.name} with {profile.runtime}"
    if weighted and num_int8 < len(weighted) and not profile.knows_float:
        left = len(weighted) - num_int8
        known = "with 8-bit weights and 16-bit activations" if profile.precision == W8A16 else "in int8"
        return f"no figure: {left} of {len(weighted)} layers are float, and {profile.name} was measured {known} only"
    return ""


def notes_of(model: ModelOperators, profile: DeviceProfile) -> Iterator[str]:
    """What the figure rests on, and what it leaves out."""
    cores = f", {profile.threads} thread{'s' if profile.threads > 1 else ''}" if profile.threads else ""
    yield f"batch 1, {profile.runtime} {profile.version}".rstrip() + f" on {profile.soc}{cores}, cool, after warming up"
    if profile.basis is Basis.OWN_MEASUREMENT:
        yield f"fitted to {profile.num_own} measurement{'s' if profile.num_own > 1 else ''} of your own"
    yield from _of_activations(model, profile)
    if model.unknown:
        yield f"nobody measured {_some(model.unknown)}: counted by the numbers that go in and out"
    total = max(1, model.macs)
    if sum(one.macs for one in model.operators if one.kind is Kind.ATTENTION) > _FEW_PRODUCTS * total:
        yield "transformers were hardly measured on this kind of target: take the figure as rough"
    if sum(one.macs for one in model.operators if one.kind is Kind.GROUPED) > _HARDLY_MEASURED * total:
        yield "few networks with grouped convolutions were measured: take the figure as rough"


def _of_activations(model: ModelOperators, profile: DeviceProfile) -> Iterator[str]:
    """Whether the device was measured with activations such as the model's, where it computes on integers."""
    is_wide = model.activation_bits > _BYTE
    if profile.precision == W8A16:
        faster = "" if is_wide else "; with 8-bit ones, as in this model, the NPU may be faster"
        yield f"measured with 8-bit weights and 16-bit activations{faster}"
    if profile.backend is Backend.GPU or not any(one.is_int8 for one in model.operators):
        return
    if is_wide and profile.precision != W8A16:
        yield "the model has 16-bit activations, and only 8-bit ones were measured here: expect more time than this"
    if model.has_ranges_at_run_time:
        yield "ranges of activations are found at run time: what that takes is not counted"


def fallbacks(model: ModelOperators, profile: DeviceProfile) -> Iterator[str]:
    """What a target does otherwise than the model says."""
    if profile.backend is not Backend.GPU:
        return
    if any(operator.is_int8 for operator in model.operators):
        yield "GPUs compute quantized models in float: int8 brings no speed here"
    reduced = tuple(dict.fromkeys(one.op_type for one in model.operators if one.kind is Kind.REDUCTION))
    if reduced:
        yield f"{_some(reduced)} may run on the CPU, with a copy there and back"


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
