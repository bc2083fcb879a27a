"""A profile fitted to a user's own measurements: one number says more than any data sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from workbench.engine.core.device_profile import Basis, DeviceProfile
from workbench.engine.core.errors import DataError
from workbench.engine.latency.contradictions import contradictions
from workbench.engine.latency.cost_prior import CostPrior, Floats
from workbench.engine.latency.features import FEATURES, feature_matrix, keeps_int8
from workbench.engine.latency.learn_prior import with_floor
from workbench.engine.latency.map_fit import Measured, fit_costs
from workbench.engine.latency.operator import Operator
from workbench.engine.latency.own_measurement import OwnMeasurement

# The same chip with another build of the same runtime: a factor of its own, and costs that differ by 8 to 17 %
# after that, against the 40 to 60 % of devices among each other.
_SHARE_OF_SPREAD = 0.1
_LEAST_MS, _MOST_MS = 1e-3, 1e6


def calibrated(
    base: DeviceProfile, prior: CostPrior, own: Sequence[OwnMeasurement], *, new_id: str = "", name: str = ""
) -> DeviceProfile:
    """The profile of a device like `base`, but as fast as the user's measurements say.

    With one measurement the costs are scaled, with more their proportions move, too. Measurements that contradict each
    other are noted.

    Args:
        base: a profile of the same chip, or of the nearest there is; its own measurements go on counting.
        prior: of the backend.
        own: at least one.
        new_id: of the new profile; that of the base if not given.
        name: the same.

    Raises:
        DataError: a time is no time.
    """
    for one in own:
        if not _LEAST_MS <= one.ms <= _MOST_MS:
            raise DataError(f"{one.ms:g} ms is no time of an inference", "give milliseconds")
    features = FEATURES[base.backend]
    known = np.log([max(base.costs.get(feature, 0.0), 1e-12) for feature in features])
    costs = _fitted(base, prior, own, known, prior.covariance * _SHARE_OF_SPREAD)
    return replace(
        base,
        id=new_id or base.id,
        name=name or base.name,
        costs=dict(zip(features, costs, strict=True)),
        basis=Basis.OWN_MEASUREMENT,
        num_own=base.num_own + len(own),
        error=None,
        error_int8=None,
        notes=tuple(dict.fromkeys((*base.notes, *contradictions(own)))),
    )


def described(
    base: DeviceProfile, prior: CostPrior, own: Sequence[OwnMeasurement], traits: Mapping[str, float]
) -> DeviceProfile:
    """The profile of a device that nothing like was measured: what its traits say, and the user's measurements.

    Args:
        base: its names, runtime and backend; the costs do not count.
        prior: of the backend.
        own: may be empty: then the size of the costs is that of a middling device.
        traits: by the prior's names.
    """
    mean = prior.mean(np.array([traits.get(name, 0.0) for name in prior.traits]))
    costs = _fitted(base, prior, own, mean, prior.covariance)
    return replace(
        base,
        costs=dict(zip(FEATURES[base.backend], costs, strict=True)),
        traits=dict(traits),
        basis=Basis.OWN_MEASUREMENT if own else Basis.DESCRIPTION,
        num_own=len(own),
    )


def _fitted(
    base: DeviceProfile, prior: CostPrior, own: Sequence[OwnMeasurement], mean: Floats, covariance: Floats
) -> list[float]:
    """Costs in ms, in the order of the backend's features."""
    if not own:
        return [float(cost) for cost in np.exp(mean)]
    rows = [_features(one.operators, base) for one in own]
    measured = Measured(np.array([rows]), np.log([[one.ms for one in own]]), np.ones((1, len(own))))
    precision = np.asarray(np.linalg.inv(covariance + prior.scale_variance), np.float64)
    fitted = fit_costs(with_floor(measured, prior.floor_ms), mean[None], precision, prior.sigma)
    return [float(cost) for cost in np.exp(fitted.log_costs[0])]


def _features(operators: Sequence[Operator], base: DeviceProfile) -> Floats:
    is_all_int8 = keeps_int8(base.runtime, operators)
    matrix = feature_matrix(operators, base.backend, base.runtime, is_all_int8=is_all_int8)
    return np.asarray(matrix.sum(0), np.float64)
