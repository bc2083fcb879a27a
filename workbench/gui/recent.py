"""The files that were open lately, remembered between runs."""

from pathlib import Path

from PySide6.QtCore import QSettings

_KEPT = 8


class RecentFiles:
    """Paths, newest first; those that are gone are left out."""

    def __init__(self, settings: QSettings, key: str) -> None:
        self._settings = settings
        self._key = f"recent/{key}"

    def paths(self) -> list[str]:
        """What can be opened again."""
        stored = self._settings.value(self._key, [])
        # One entry comes back from an ini file as a plain string.
        listed = [stored] if isinstance(stored, str) else list(stored) if isinstance(stored, list | tuple) else []
        return [path for path in listed if Path(path).exists()]

    def add(self, path: Path) -> None:
        """Put a path first."""
        text = str(path.resolve())
        self._settings.setValue(self._key, [text, *(other for other in self.paths() if other != text)][:_KEPT])
