"""Which ids a device of a user's own may have."""

import re
from collections.abc import Container

from workbench.engine.core.errors import ProjectError

# Words of letters, digits and . _ + - with a slash or a space between; none of dots alone, which would be a folder.
_WORD = r"(?!\.+(?:[/ ]|$))[\w.+-]+"
_ID = re.compile(rf"{_WORD}(?:[/ ]{_WORD})*")
# File systems take 255 bytes for a file's name; its ending needs some.
_MOST_BYTES = 200


def check_own_id(device: str, shipped: Container[str]) -> None:
    """Let an id pass that a user's own device may have.

    Args:
        device: the id.
        shipped: ids that ship.

    Raises:
        ProjectError: it is none, or ships with the program.
    """
    if not device.strip():
        raise ProjectError("the device has no id", "give it one, such as my-phone")
    if not _ID.fullmatch(device) or len(device.encode()) > _MOST_BYTES:
        rule = "letters, digits and - _ . + with / or a space between"
        raise ProjectError(f"{_shown(device)} is no id of a device", f"take {rule}, such as {_proposed(device)}")
    if device in shipped:
        raise ProjectError(
            f"{device} ships with the program and is not replaced", f"give another id, such as {_proposed(device)}"
        )


def _proposed(device: str) -> str:
    words = [word for word in re.split(r"[^\w+-]+", device) if word]
    return "-".join(["my", *words])[:40].rstrip("-") if words else "my-phone"


def _shown(device: str) -> str:
    return repr(device if len(device) <= 60 else f"{device[:57]}...")
