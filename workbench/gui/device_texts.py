"""What is said of a device: its name, what runs on it, where its figures come from. Values only."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbench.engine.core.device_fit import DeviceFit
from workbench.engine.core.device_profile import Backend, Basis, DeviceProfile, ProfileError
from workbench.engine.core.format import format_fraction

OWN_TITLE = "Your devices"
_MOST_SOURCES = 3


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """One line of the list of devices.

    Args:
        id: of the profile.
        text: what the line says.
        short: what says it where there is one device only.
        words: what it can be found by, in lower case.
        tip: where its figures come from.
    """

    id: str
    text: str
    short: str
    words: str
    tip: str


@dataclass(frozen=True, slots=True)
class DeviceGroup:
    """Devices of one kind under a title."""

    title: str
    entries: tuple[DeviceEntry, ...]


def is_own(profile: DeviceProfile) -> bool:
    """Whether the user made or took in this profile."""
    return profile.basis is not Basis.PUBLISHED


def target_text(profile: DeviceProfile) -> str:
    """The part of the chip that computes: "CPU, 4 threads", "GPU", "NPU"."""
    if profile.backend is Backend.CPU:
        return f"CPU, {profile.threads} thread{'s' if profile.threads != 1 else ''}"
    return profile.backend.upper()


def device_text(profile: DeviceProfile) -> str:
    """A device and its target, such as "OnePlus 7T (CPU, 4 threads)"."""
    return f"{profile.name} ({target_text(profile)})"


def runtime_of(profile: DeviceProfile) -> str:
    """What runs the model, with its version; on an NPU in which numbers as well."""
    runtime = f"{profile.runtime} {profile.version}".strip()
    return f"{runtime}, {profile.precision}" if profile.backend is Backend.NPU else runtime


def told_apart(profiles: Iterable[DeviceProfile], text_of: Callable[[DeviceProfile], str]) -> dict[str, str]:
    """A text for each device, by id; those that would read alike get whose they are and the id as well."""
    texts = {profile.id: (profile, text_of(profile)) for profile in profiles}
    counts = Counter(text for _, text in texts.values())
    return {
        device: text if counts[text] == 1 else f"{text}  ·  {'yours, ' if is_own(profile) else ''}{device}"
        for device, (profile, text) in texts.items()
    }


def device_groups(profiles: Iterable[DeviceProfile]) -> tuple[DeviceGroup, ...]:
    """The devices as a person looks for them: own ones, CPUs by their threads, GPUs, NPUs; by name in each group."""
    profiles = tuple(profiles)
    groups: dict[tuple[int, int], tuple[str, list[DeviceProfile]]] = {}
    shorts, texts = told_apart(profiles, _short), told_apart(profiles, _text)
    for profile in profiles:
        place = (0, 0) if is_own(profile) else (1 + tuple(Backend).index(profile.backend), profile.threads)
        title = OWN_TITLE if is_own(profile) else target_text(profile)
        groups.setdefault(place, (title, []))[1].append(profile)
    return tuple(
        DeviceGroup(
            title,
            tuple(
                DeviceEntry(one.id, texts[one.id], shorts[one.id], _words(one), source_text(one))
                for one in sorted(found, key=lambda one: (one.name.lower(), one.id))
            ),
        )
        for _, (title, found) in sorted(groups.items())
    )


def _text(profile: DeviceProfile) -> str:
    # Under the title of own devices nothing else says what computes.
    target = (target_text(profile),) if is_own(profile) else ()
    return "  ·  ".join((profile.name, *target, profile.soc, runtime_of(profile)))


def _short(profile: DeviceProfile) -> str:
    return "  ·  ".join((profile.name, target_text(profile), runtime_of(profile)))


def _words(profile: DeviceProfile) -> str:
    words = (profile.name, profile.soc, profile.core, runtime_of(profile), target_text(profile), profile.id)
    return " ".join(words).lower()


def source_text(profile: DeviceProfile) -> str:
    """Where a profile's figures come from, and how far off they are for networks that nobody had measured."""
    lines = [f"{profile.name}, {profile.soc} ({profile.core}), {runtime_of(profile)}"]
    if profile.basis is Basis.OWN_MEASUREMENT:
        lines.append(f"fitted to {_count(profile.num_own, 'measurement')} of your own, starting from published ones")
    elif profile.basis is Basis.DESCRIPTION:
        lines.append("nothing was measured on it: estimated from what devices like it have shown")
    lines += [_source_line(profile)] if profile.sources else []
    errors = [
        _error_text(what, error)
        for what, error in (("float", profile.error), ("int8", profile.error_int8))
        if error is not None
    ]
    if errors:
        lines.append(f"cross-validated error on kinds of networks left out: {'; '.join(errors)}")
    elif not is_own(profile):
        lines.append("too few networks were measured to tell the error of this one")
    return "\n".join(lines)


def _source_line(profile: DeviceProfile) -> str:
    total = sum(source.num_measurements for source in profile.sources)
    places = [f"{source.repository} {source.path}" for source in profile.sources]
    more = f" and {len(places) - _MOST_SOURCES} more" if len(places) > _MOST_SOURCES else ""
    return f"from {_count(total, 'published measurement')}: {', '.join(places[:_MOST_SOURCES])}{more}"


def _error_text(what: str, error: ProfileError) -> str:
    return f"{what} {format_fraction(error.median)} (median, n = {error.n})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def matching(groups: Sequence[DeviceGroup], text: str) -> tuple[DeviceGroup, ...]:
    """The devices that have all of these words, or beginnings of words, somewhere; groups without any are left out."""
    wanted = text.lower().split()
    kept = (
        DeviceGroup(group.title, tuple(one for one in group.entries if all(word in one.words for word in wanted)))
        for group in groups
    )
    return tuple(group for group in kept if group.entries)


def fit_text(fit: DeviceFit) -> str:
    """How far off a profile was, and by what the others say of each: what a fit meets itself says nothing."""
    count = f"{len(fit.times)} measurement{'s' if len(fit.times) > 1 else ''}"
    before, by_others = (
        [abs(error) for error in errors if error is not None]
        for errors in (
            [time.error_before for time in fit.times],
            [time.error_by_others for time in fit.times],
        )
    )
    if not before:
        return f"fitted to {count}; there is no figure for these models on such a device"
    said = f"fitted to {count}: off by {100 * sum(before) / len(before):.0f} % before"
    if not by_others:
        return f"{said}; more models would tell how far off it is now"
    said += f", by {100 * sum(by_others) / len(by_others):.0f} % where each is told from the others"
    return f"{said}, on average"
