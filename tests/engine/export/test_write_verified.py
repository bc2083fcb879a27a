"""Only a file that is what was previewed gets the target's name."""

from pathlib import Path

import pytest

from workbench.engine.core.errors import VerificationError
from workbench.engine.core.reports import Verification
from workbench.engine.export import write_verified as module
from workbench.engine.export.write_verified import write_verified
from workbench.jobs import Cancelled, JobContext


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "out.onnx"
    path.write_bytes(b"the old one")
    return path


def _folder(target: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in target.parent.iterdir()}


def test_a_proven_file_takes_the_place_of_the_old_one(target: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[bytes] = []

    def verify(data: bytes, path: Path, *_: object) -> Verification:
        seen.append(path.read_bytes())
        assert target.read_bytes() == b"the old one"
        return Verification(8, 0.0, 1.0, ok=True)

    monkeypatch.setattr(module, "verify_file", verify)

    verified, sha256 = write_verified(b"abc", target, None, JobContext(), force=True)

    assert verified.ok
    assert seen == [b"abc"]
    # The published test vector of SHA-256.
    assert sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert _folder(target) == {"out.onnx": b"abc"}


def test_a_file_that_differs_from_the_preview_is_not_kept(target: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "verify_file", lambda *_: Verification(8, 0.5, 0.75, ok=False))

    verified, sha256 = write_verified(b"new", target, None, JobContext(), force=True)

    assert (verified.ok, sha256) == (False, "")
    assert _folder(target) == {"out.onnx": b"the old one"}


@pytest.mark.parametrize("error", [Cancelled(), VerificationError("unusable"), KeyboardInterrupt()], ids=repr)
def test_what_ends_the_proof_leaves_the_old_file_alone(
    target: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "verify_file", fail)

    with pytest.raises(type(error)):
        write_verified(b"new", target, None, JobContext(), force=True)

    assert _folder(target) == {"out.onnx": b"the old one"}
