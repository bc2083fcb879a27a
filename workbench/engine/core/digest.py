"""SHA-256 digests that name models, recipes and data sets."""

import hashlib
import json
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def digest_of_bytes(*parts: bytes | memoryview) -> str:
    """SHA-256 of the parts, one after the other, as 64 hexadecimal digits."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in chunks of 1 MiB."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def digest_of_json(value: object) -> str:
    """SHA-256 of the canonical JSON of a value made of dicts, lists, strings and numbers.

    >>> digest_of_json({"b": 1, "a": 2}) == digest_of_json({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return digest_of_bytes(text.encode("utf-8"))
