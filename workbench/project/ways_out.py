"""What would have a figure where a device's profile has none for a model: another profile of it, or another model."""

from collections.abc import Iterator

from workbench.engine.core.device_profile import W8A16, DeviceProfile
from workbench.engine.latency.device_library import BackendKnowledge, DeviceLibrary
from workbench.engine.latency.estimate import estimate, model_features
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import WEIGHTED

_BYTE = 8


def ways_out(model: ModelOperators, profile: DeviceProfile, library: DeviceLibrary) -> list[str]:
    """For a model that the profile has no figure for, since it computes in numbers that nobody measured there.

    Returns:
        At most one line; none where the numbers are not all that is in the way.
    """
    sibling = next(_siblings(model, profile, library), None)
    is_float = not any(one.is_int8 for one in model.operators)
    if sibling is not None:
        return [f"{'in float' if is_float else 'quantized'} it was measured as {sibling.id}"]
    on_integers = model.with_int8({one.name: True for one in model.operators if one.kind in WEIGHTED})
    if not profile.knows_float and has_figure(on_integers, profile, library.knowledge[profile.backend]):
        return ["quantize all layers to 8 bits first"]
    return []


def measured_wide(model: ModelOperators, profile: DeviceProfile, library: DeviceLibrary) -> list[str]:
    """Where the same chip was measured with 16-bit activations, for a model with such and a profile without."""
    is_wide = model.activation_bits > _BYTE and any(one.is_int8 for one in model.operators)
    if not is_wide or profile.precision == W8A16:
        return []
    alike = next((one for one in _siblings(model, profile, library) if one.precision == W8A16), None)
    return [] if alike is None else [f"with 16-bit activations it was measured as {alike.id}"]


def has_figure(model: ModelOperators, profile: DeviceProfile, knowledge: BackendKnowledge) -> bool:
    """Whether there is an estimate."""
    return estimate(model_features(model, profile.backend, profile.runtime), profile, knowledge).figure is not None


def _siblings(model: ModelOperators, profile: DeviceProfile, library: DeviceLibrary) -> Iterator[DeviceProfile]:
    """Profiles of the same part of the same chip with the same runtime that have a figure, those most alike first."""

    def place(one: DeviceProfile) -> tuple[bool, ...]:
        is_wide = model.activation_bits > _BYTE
        return (
            one.name != profile.name,
            one.version != profile.version,
            one.threads != profile.threads,
            (one.precision == W8A16) != is_wide,
        )

    knowledge = library.knowledge[profile.backend]
    for one in sorted(library.profiles.values(), key=place):
        is_alike = (one.soc, one.core, one.backend, one.runtime) == (
            profile.soc, profile.core, profile.backend, profile.runtime,
        )  # fmt: skip
        if is_alike and one.id != profile.id and has_figure(model, one, knowledge):
            yield one
