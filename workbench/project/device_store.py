"""Device profiles: those that ship with the program, and a user's own in the user's folder for data."""

import re
from pathlib import Path

import platformdirs

from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.errors import ExportError, ProjectError
from workbench.engine.core.whole_file import write_whole
from workbench.engine.latency.device_library import BackendKnowledge, DeviceLibrary
from workbench.engine.latency.profile_json import format_profile, parse_backend, parse_profile

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped_library() -> DeviceLibrary:
    """The profiles that ship, in a checkout or in an installed package.

    Raises:
        ProjectError: they are missing or damaged.
    """
    for folder in (_PACKAGE / "_resources" / "devices", _PACKAGE.parent / "resources" / "devices"):
        if folder.is_dir():
            return _library(folder)
    raise ProjectError("the device profiles are missing", "install the program again")


def default_devices_folder() -> Path:
    """Where a user's own profiles are kept."""
    return Path(platformdirs.user_data_dir("workbench", appauthor=False)) / "devices"


class DeviceStore:
    """A user's own profiles, a file each.

    Args:
        folder: where they are; need not be there yet.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_devices_folder()

    def profiles(self) -> tuple[tuple[DeviceProfile, ...], tuple[str, ...]]:
        """The profiles by name of their files, and what is wrong with files that hold none."""
        found, problems = [], []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(read_profile(path))
            except ProjectError as error:
                problems.append(str(error))
        return tuple(found), tuple(problems)

    def save(self, profile: DeviceProfile, *, force: bool = False) -> Path:
        """Keep a profile.

        Raises:
            ExportError: one of that id is there and `force` is not given, or its file is another's.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(profile.id)
        there = self._id_in(path)
        if there and there != profile.id:
            raise ExportError(f"the file of {profile.id!r} would be that of your device {there!r}", "give another id")
        if path.exists() and not force:
            raise ExportError(
                f"you have a device {profile.id!r} already",
                "give another name, or remove that one first; on the command line, --force replaces it",
            )
        write_whole(path, format_profile(profile).encode(), force=force)
        return path

    def remove(self, device: str) -> None:
        """Forget a profile. Raises ProjectError if it is none of the user's own."""
        path = self._path(device)
        if not path.is_file() or self._id_in(path) not in (device, ""):
            raise ProjectError(f"{device!r} is no profile of your own", "`workbench devices` lists them")
        path.unlink()

    def _path(self, device: str) -> Path:
        name = re.sub(r"[^\w.+-]+", "_", device)
        return self._folder / f"{name}.json"

    @staticmethod
    def _id_in(path: Path) -> str:
        """Of the profile that a file holds; empty if it is not there or holds none."""
        try:
            return read_profile(path).id if path.exists() else ""
        except ProjectError:
            return ""


def read_profile(path: Path) -> DeviceProfile:
    """One profile from a file. Raises ProjectError if it holds none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read ({error.strerror})", "check the name") from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: is no text, and so no device profile", "give another file") from error
    return parse_profile(text, str(path))


def _library(folder: Path) -> DeviceLibrary:
    profiles: dict[str, DeviceProfile] = {}
    knowledge: dict[Backend, BackendKnowledge] = {}
    for backend in Backend:
        path = folder / f"{backend}.json"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ProjectError(f"{path}: cannot be read ({error})", "install the program again") from error
        knowledge[backend], found = parse_backend(text, str(path))
        profiles |= {profile.id: profile for profile in found}
    return DeviceLibrary(profiles, knowledge)
