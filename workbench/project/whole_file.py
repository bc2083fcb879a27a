"""Writing a text file: the whole file or nothing, and what was there stays until then."""

import contextlib
import os
import tempfile
from pathlib import Path

from workbench.engine.core.errors import ProjectError


def write_whole(path: Path, text: str) -> None:
    """Write a text beside the target, then put it in the target's place.

    Args:
        path: the target; replaced if it is there.
        text: written as UTF-8.

    Raises:
        ProjectError: it cannot be written; the old file is as it was, and nothing is left beside it.
    """
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is its owner's only; a project is as readable as other documents.
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProjectError(f"{path}: cannot be saved ({reason})", "choose another place, or free some space") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
