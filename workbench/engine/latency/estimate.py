"""Estimated latency of a model on a device: costs times features, layer by layer, with a band."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.engine.core.device_profile import Backend, Basis, DeviceProfile
from workbench.engine.core.latency_estimate import START_OF_RUN, Bound, LatencyEstimate, LayerLatency
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.latency.cost_prior import Floats
from workbench.engine.latency.device_library import BackendKnowledge
from workbench.engine.latency.estimate_notes import fallbacks, notes_of, refusal
from workbench.engine.latency.features import FEATURES, ONCE_FEATURES, feature_matrix, keeps_int8
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import WEIGHTED, Operator

# A band that reaches that much above the estimate decides nothing.
_ROUGH = 1.4
# Of measurements of families that were left out, per cent that the band held.
_LEVEL = 80


@dataclass(frozen=True, slots=True, eq=False)
class ModelFeatures:
    """What is asked of one backend and runtime, made once for many estimates.

    Args:
        model: its operators.
        whole: features of each operator, as the model is.
        in_float, in_int8: the same with every convolution and matrix product in one precision; on CPUs only.
    """

    model: ModelOperators
    whole: Floats
    in_float: Floats | None = None
    in_int8: Floats | None = None


def model_features(model: ModelOperators, backend: Backend, runtime: str) -> ModelFeatures:
    """The features that `estimate` takes for devices of a backend with a runtime."""
    is_all_int8 = keeps_int8(runtime, model.operators)
    whole = feature_matrix(model.operators, backend, runtime, is_all_int8=is_all_int8)
    if backend is not Backend.CPU:
        return ModelFeatures(model, whole)
    is_float = not any(operator.is_int8 for operator in model.operators)
    in_float = whole if is_float else _in_precision(model.operators, runtime, is_int8=False)
    return ModelFeatures(model, whole, in_float, _in_precision(model.operators, runtime, is_int8=True))


def estimate(features: ModelFeatures, profile: DeviceProfile, knowledge: BackendKnowledge) -> LatencyEstimate:
    """What a model takes on a device at batch 1.

    The sum over operators of features times costs: never negative, and never more for a model that asks less.
    There is no figure where the device has no way to run the model, or nobody measured any like it: the notes say.

    Args:
        features: of the model, for the profile's backend and runtime.
        profile: of the device.
        knowledge: of its backend.
    """
    model = features.model
    why_not = refusal(model, profile)
    if why_not:
        return LatencyEstimate(profile.id, None, notes=(why_not, *profile.notes))
    costs = np.array([profile.costs.get(name, 0.0) for name in FEATURES[profile.backend]])
    parts = features.whole * costs
    total = float(parts.sum())
    is_int8 = any(operator.is_int8 for operator in model.operators)
    spread = _spread(parts.sum(0) / max(total, 1e-12), profile, knowledge, is_int8=is_int8)
    figure = Figure(total, "ms", Origin.ESTIMATED, total / spread, total * spread, _num_behind(profile), level=_LEVEL)
    return LatencyEstimate(
        profile.id,
        figure,
        tuple(_layers(features, profile, parts, costs)),
        (*notes_of(model, profile), *fallbacks(model, profile), *profile.notes),
        is_rough=spread > _ROUGH,
    )


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


def _layers(features: ModelFeatures, profile: DeviceProfile, parts: Floats, costs: Floats) -> Iterator[LayerLatency]:
    names = FEATURES[profile.backend]
    # Features count what a run has once with the first operator, whose time it is not.
    once = np.where([name in ONCE_FEATURES for name in names], parts, 0.0).sum(0)
    own = np.where([name in ONCE_FEATURES for name in names], 0.0, parts)
    total = max(float(parts.sum()), 1e-12)
    start_ms = float(once.sum())
    if start_ms:
        yield LayerLatency(START_OF_RUN, "", start_ms, start_ms / total, _bounds(once[None], names)[0])
    times, bounds = own.sum(1).tolist(), _bounds(own, names)
    knows_both = profile.knows_float and profile.knows_int8
    in_float, in_int8 = (
        None if matrix is None or not knows_both else (matrix @ costs).tolist()
        for matrix in (features.in_float, features.in_int8)
    )
    for row, (operator, ms) in enumerate(zip(features.model.operators, times, strict=True)):
        yield LayerLatency(
            operator.name,
            operator.op_type,
            ms,
            ms / total,
            bounds[row],
            None if in_float is None else in_float[row],
            None if in_int8 is None else in_int8[row],
            is_int8=operator.is_int8,
        )


def _in_precision(operators: Sequence[Operator], runtime: str, *, is_int8: bool) -> Floats:
    changed = [replace(one, is_int8=is_int8) if one.kind in WEIGHTED else one for one in operators]
    return feature_matrix(changed, Backend.CPU, runtime, is_all_int8=is_int8 and keeps_int8(runtime, changed))


def _bounds(parts: Floats, names: Sequence[str]) -> list[Bound]:
    """What most of each operator's time goes into."""
    kinds = tuple(Bound)
    places = [[place for place, name in enumerate(names) if _bound_of(name) is bound] for bound in kinds]
    sums = np.stack([parts[:, one].sum(1) for one in places])
    return [kinds[place] for place in sums.argmax(0).tolist()]


def _bound_of(feature: str) -> Bound:
    if feature.startswith(("n_", "const")):
        return Bound.OVERHEAD
    return Bound.COMPUTE if feature.startswith(("mac", "wino", "mis", "pool", "gpool")) else Bound.MEMORY
