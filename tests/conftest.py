"""Fixtures that every test may use."""

from pathlib import Path

import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real models and samples that are not part of the project; tests that need them skip without."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("needs the real models in ../shared/data, which are not part of the project")
    return _SHARED_DATA
