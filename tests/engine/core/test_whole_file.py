"""Files are written whole or not at all, and what was there stays until then."""

import sys
from pathlib import Path

import pytest

from workbench.engine.core import whole_file
from workbench.engine.core.errors import ExportError
from workbench.engine.core.whole_file import make_whole, put_in_place, write_whole, written_beside


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path):
    target = tmp_path / "out.onnx"
    target.write_bytes(b"old")

    with pytest.raises(ExportError, match="already exists"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"

    write_whole(target, b"new", force=True)
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
):
    target = tmp_path / "out.onnx"
    target.write_bytes(b"old")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(whole_file.os, "fsync", fail)
    expected = ExportError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_whole(target, b"new", force=True)

    assert [path.name for path in tmp_path.iterdir()] == ["out.onnx"]
    assert target.read_bytes() == b"old"


def test_what_is_not_put_in_place_is_gone_afterwards(tmp_path: Path):
    target = tmp_path / "out.onnx"

    with written_beside(target, b"new") as written:
        assert (written.read_bytes(), written.suffix, target.exists()) == (b"new", ".onnx", False)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path: Path):
    target = tmp_path / "out.onnx"

    with written_beside(target, b"new") as written:
        target.write_bytes(b"somebody's")
        with pytest.raises(ExportError, match="already exists"):
            put_in_place(written, target)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"somebody's"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of this kind are not known there")
@pytest.mark.parametrize(("old", "new"), [(None, 0o644), (0o600, 0o600)], ids=["new file", "one that was private"])
def test_a_file_is_as_readable_as_the_one_it_replaces(tmp_path: Path, old: int | None, new: int):
    target = tmp_path / "out.onnx"
    if old is not None:
        target.write_bytes(b"old")
        target.chmod(old)

    write_whole(target, b"new", force=True)

    assert target.stat().st_mode & 0o777 == new


def test_what_other_code_makes_is_put_in_place_and_what_it_leaves_is_gone(tmp_path: Path):
    def make(made: Path) -> None:
        made.write_bytes(b"made")
        made.with_name("left over").write_bytes(b"")

    make_whole(tmp_path / "out.ort", make)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.ort": b"made"}


@pytest.mark.parametrize("error", [ExportError("no"), KeyboardInterrupt(), None], ids=repr)
def test_what_other_code_does_not_make_leaves_the_old_file(tmp_path: Path, error: BaseException | None):
    target = tmp_path / "out.ort"
    target.write_bytes(b"old")

    def make(made: Path) -> None:
        made.with_name("half").write_bytes(b"")
        if error is not None:
            raise error

    with pytest.raises(type(error) if error is not None else ExportError):
        make_whole(target, make, force=True)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.ort": b"old"}
