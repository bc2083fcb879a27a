"""Estimated latency of a model on a device: costs times features, layer by layer, with a band."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.engine.core.device_profile import Backend, Basis, DeviceProfile
from workbench.engine.core.latency_estimate import Bound, LatencyEstimate, LayerLatency
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.latency.cost_prior import Floats
from workbench.engine.latency.device_library import BackendKnowledge
from workbench.engine.latency.estimate_notes import fallbacks, notes_of, refusal
from workbench.engine.latency.features import FEATURES, feature_matrix, keeps_int8
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import WEIGHTED, Operator

# A band that reaches that much above the estimate decides nothing.
_ROUGH = 1.4


def estimate(model: ModelOperators, profile: DeviceProfile, knowledge: BackendKnowledge) -> LatencyEstimate:
    """What a model takes on a device at batch 1.

    The sum over operators of features times costs: never negative, and never more for a model that asks less.
    There is no figure where the device has no way to run the model, or nobody measured any like it: the notes say.

    Args:
        model: its operators, as the runtime runs them.
        profile: of the device.
        knowledge: of its backend.
    """
    why_not = refusal(model, profile)
    if why_not:
        return LatencyEstimate(profile.id, None, notes=(why_not, *profile.notes))
    is_all_int8 = keeps_int8(profile.runtime, model.operators)
    costs = np.array([profile.costs.get(name, 0.0) for name in FEATURES[profile.backend]])
    parts = feature_matrix(model.operators, profile.backend, profile.runtime, is_all_int8=is_all_int8) * costs
    times = parts.sum(1)
    total = float(times.sum())
    is_int8 = any(operator.is_int8 for operator in model.operators)
    spread = _spread(parts.sum(0) / max(total, 1e-12), profile, knowledge, is_int8=is_int8)
    figure = Figure(total, "ms", Origin.ESTIMATED, total / spread, total * spread, _num_behind(profile))
    return LatencyEstimate(
        profile.id,
        figure,
        tuple(_layers(model.operators, profile, parts, costs)),
        (*notes_of(model, profile), *fallbacks(model, profile), *profile.notes),
        is_rough=spread > _ROUGH,
    )


def total_ms(operators: Sequence[Operator], profile: DeviceProfile) -> float:
    """The estimate alone."""
    costs = np.array([profile.costs.get(name, 0.0) for name in FEATURES[profile.backend]])
    is_all_int8 = keeps_int8(profile.runtime, operators)
    matrix = feature_matrix(operators, profile.backend, profile.runtime, is_all_int8=is_all_int8)
    return float((matrix @ costs).sum())


def _num_behind(profile: DeviceProfile) -> int:
    return sum(source.num_measurements for source in profile.sources) + profile.num_own


def _spread(shares: Floats, profile: DeviceProfile, knowledge: BackendKnowledge, *, is_int8: bool) -> float:
    """The factor that the band reaches above and below.

    The standard deviation of the logarithm of one time and of the costs it is made of, times a width that held four
    of five measurements of families that were left out.
    """
    prior = knowledge.prior
    deviation = float(np.sqrt(prior.sigma**2 + ((shares * prior.uncertainty) ** 2).sum()))
    if profile.basis is Basis.PUBLISHED:
        width = knowledge.widths["int8" if is_int8 and profile.backend is not Backend.GPU else "float"]
    else:
        known = [count for count in knowledge.new_widths if count <= profile.num_own]
        width = knowledge.new_widths[max(known)]
    return float(np.exp(width * deviation))


def _layers(operators: Sequence[Operator], profile: DeviceProfile, parts: Floats, costs: Floats) -> list[LayerLatency]:
    total = max(float(parts.sum()), 1e-12)
    bounds = _bound_sums(parts, FEATURES[profile.backend])
    in_float, in_int8 = (_in_precision(operators, profile, costs, is_int8=flag) for flag in (False, True))
    return [
        LayerLatency(
            operator.name,
            operator.op_type,
            float(parts[row].sum()),
            float(parts[row].sum()) / total,
            max(bounds, key=lambda bound: bounds[bound][row]),  # used before the next row
            None if in_float is None else float(in_float[row]),
            None if in_int8 is None else float(in_int8[row]),
        )
        for row, operator in enumerate(operators)
    ]


def _in_precision(
    operators: Sequence[Operator], profile: DeviceProfile, costs: Floats, *, is_int8: bool
) -> Floats | None:
    """Times with every convolution and matrix product in one precision; None where only one was measured."""
    if profile.backend is not Backend.CPU or not (profile.knows_float and profile.knows_int8):
        return None
    changed = [replace(one, is_int8=is_int8) if one.kind in WEIGHTED else one for one in operators]
    matrix = feature_matrix(
        changed, profile.backend, profile.runtime, is_all_int8=is_int8 and keeps_int8(profile.runtime, changed)
    )
    return np.asarray(matrix @ costs, np.float64)


def _bound_sums(parts: Floats, names: Sequence[str]) -> dict[Bound, Floats]:
    columns = {bound: [place for place, name in enumerate(names) if _bound_of(name) is bound] for bound in Bound}
    return {bound: np.asarray(parts[:, places].sum(1), np.float64) for bound, places in columns.items()}


def _bound_of(feature: str) -> Bound:
    if feature.startswith(("n_", "const")):
        return Bound.OVERHEAD
    return Bound.COMPUTE if feature.startswith(("mac", "wino", "mis", "pool", "gpool")) else Bound.MEMORY
