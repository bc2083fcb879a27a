"""The device profiles that are there: those that ship, and a user's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.errors import ProjectError
from workbench.engine.latency.cost_prior import CostPrior

_MOST_ALIKE = 4
# Shorter words are in too many names, and what is less alike than this is another name.
_FEWEST_LETTERS, _NEAR = 3, 0.75


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
        alike = self._alike(device.strip().lower())[:_MOST_ALIKE]
        hint = f"did you mean {', '.join(alike)}?" if alike else "`workbench devices` lists them"
        raise ProjectError(f"no device profile is called {device!r}", hint)

    def _alike(self, device: str) -> list[str]:
        """Ids of devices that are called so, or whose id begins nearly so; in the order of the library."""
        first = device.partition("/")[0]
        if len(first) < _FEWEST_LETTERS:
            return []
        by_id = {name: name.lower().partition("/")[0] for name in self.profiles}
        found = [
            name
            for name, profile in self.profiles.items()
            if first.replace("-", " ") in profile.name.lower().replace("-", " ") or first in by_id[name]
        ]
        if not found:
            near = get_close_matches(first, set(by_id.values()), _MOST_ALIKE, _NEAR)
            found = [name for name in self.profiles if by_id[name] in near]
        # Of those, the ones with the same runtime and target stand first.
        rest = device.partition("/")[2]
        return sorted(found, key=lambda name: not rest or rest not in name.lower())

    def with_profiles(self, profiles: Iterable[DeviceProfile]) -> "DeviceLibrary":
        """The same with others added; a user's own hides what ships under its id."""
        return DeviceLibrary({**self.profiles, **{one.id: one for one in profiles}}, self.knowledge)
