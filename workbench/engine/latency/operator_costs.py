"""What single operators take on a device: the terms of the sum that an estimate is."""

import math
from collections.abc import Sequence

from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.latency.features import can_keep_int8, has_winograd, operator_features
from workbench.engine.latency.operator import WEIGHTED, Operator

_MILLION = 1e6


class OperatorCosts:
    """Costs times features of one operator at a time.

    Args:
        profile: of the device.
    """

    def __init__(self, profile: DeviceProfile) -> None:
        self._profile, self._winograd = profile, has_winograd(profile.runtime)
        # Where nothing in float is known, whatever has a figure is quantized as a whole.
        self._is_all_int8 = not profile.knows_float and can_keep_int8(profile.runtime)

    def ms(self, operator: Operator) -> float:
        """What an operator takes, ms; infinite in a precision of which nobody measured anything on the device."""
        profile = self._profile
        if operator.kind in WEIGHTED and not self._is_known(operator):
            return math.inf
        features = operator_features(operator, profile.backend, self._winograd, self._is_all_int8)
        return sum(profile.costs.get(name, 0.0) * amount for name, amount in features.items())

    def once(self, operators: Sequence[Operator]) -> float:
        """What a run of the model takes once, ms: starting, and moving what goes in and comes out."""
        if not operators:
            return 0.0
        moved = (operators[0].in_size + operators[-1].out_size) / _MILLION
        return self._profile.costs.get("const", 0.0) + moved * self._profile.costs.get("e_io", 0.0)

    def _is_known(self, operator: Operator) -> bool:
        if operator.is_int8:
            return self._profile.knows_int8 or self._profile.backend is Backend.GPU
        return self._profile.knows_float
