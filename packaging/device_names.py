"""Which published runs are offered as devices, and the names that users know them by."""

from published_runs import Run

from workbench.engine.core.device_profile import Backend

NAMES = {
    "phone with SD 8 Gen 2": "Snapdragon 8 Gen 2 phone",
    "MT6989 reference phone": "Dimensity 9300 phone",
    "phone with SD855": "Snapdragon 855 phone",
    "laptop X Elite": "Snapdragon X Elite laptop",
    "Google Pixel": "Google Pixel 1",
    "QCS8450 (Proxy)": "Galaxy S22 class (QCS8450 proxy)",
    "QCS8550 (Proxy)": "Galaxy S23 class (QCS8550 proxy)",
    "QCS8275 (Proxy)": "QCS8275 proxy",
}
_CATEGORIES = ("phone", "phone-proxy")
# More threads run on cores of several kinds, are slower than four, and differ from time to time.
_THREADS = (0, 1, 2, 4)
_BOARDS = ("Raspberry Pi", "RK35", "OrangePi", "ROCK", "Station", "Rock", "Dragonwing", "QCS8275")
# Fewer networks than that say nothing of the others.
_FEWEST = 3


def is_offered(run: Run) -> bool:
    """Whether a run is of a phone or a common board, with as many threads as one would use, and enough networks."""
    is_known = run.category in _CATEGORIES or run.device.startswith(_BOARDS)
    if run.description.backend is Backend.NPU and run.description.date.startswith("2025"):
        return False
    return is_known and run.description.threads in _THREADS and len(run.measurements) >= _FEWEST
