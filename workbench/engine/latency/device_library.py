"""The device profiles that are there: those that ship, and a user's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.errors import ProjectError
from workbench.engine.latency.cost_prior import CostPrior


@dataclass(frozen=True, slots=True, eq=False)
class BackendKnowledge:
    """What all devices of a backend taught together.

    Args:
        prior: of costs.
        widths: how many standard deviations the band that holds four of five measurements is wide on either side,
            by "float" and "int8", for runs that were measured.
        new_widths: the same, for a new device, by the number of its measurements.
    """

    prior: CostPrior
    widths: Mapping[str, float]
    new_widths: Mapping[int, float]


@dataclass(frozen=True, slots=True, eq=False)
class DeviceLibrary:
    """Profiles by their id, and what is known of their backends."""

    profiles: Mapping[str, DeviceProfile]
    knowledge: Mapping[Backend, BackendKnowledge]

    def find(self, device: str) -> DeviceProfile:
        """The profile of that id. Raises ProjectError if there is none, and says which are like it."""
        if device in self.profiles:
            return self.profiles[device]
        words = device.lower().replace("/", " ").split()
        alike = [name for name in self.profiles if any(word in name for word in words)][:4]
        hint = f"did you mean {', '.join(alike)}?" if alike else "`workbench devices` lists them"
        raise ProjectError(f"no device profile is called {device!r}", hint)

    def with_profiles(self, profiles: Iterable[DeviceProfile]) -> "DeviceLibrary":
        """The same with others added; a user's own hides what ships under its id."""
        return DeviceLibrary({**self.profiles, **{one.id: one for one in profiles}}, self.knowledge)
