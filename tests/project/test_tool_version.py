"""Which program gives a figure."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from workbench.project.criterion_plugins import criterion_plugins
from workbench.project.tool_version import source_digest, tool_version

_MANIFEST = 'name = "mine"\nversion = "1.2"\napi = 1\nsummary = "Chooses."\nprovides = ["{hook}"]\n'


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The folder of a plugin that gives criteria, in a folder of plugins."""
    folder = tmp_path / "plugins" / "mine"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(_MANIFEST.format(hook="criteria"), encoding="utf-8")
    (folder / "__init__.py").write_text("SCORE = 1\n", encoding="utf-8")
    return folder


def _found(plugin: Path) -> tuple[str, ...]:
    return criterion_plugins([("user", plugin.parent)], [])


def test_what_plugins_choose_channels_is_part_of_the_version():
    assert "criteria of next_layer 1.0.0 " in tool_version()


def test_an_edited_plugin_is_another_one(plugin: Path):
    (before,) = _found(plugin)
    (plugin / "__init__.py").write_text("SCORE = 2\n", encoding="utf-8")
    (after,) = _found(plugin)

    assert before.startswith("criteria of mine 1.2 ")
    assert after.startswith("criteria of mine 1.2 ")
    assert before != after


def test_a_plugin_that_chooses_nothing_has_no_say(plugin: Path):
    (plugin / "plugin.toml").write_text(_MANIFEST.format(hook="exporters"), encoding="utf-8")

    assert _found(plugin) == ()


@pytest.mark.parametrize("manifest", [b"name = ", b"\xff", b"provides = 1"], ids=["no TOML", "no text", "no list"])
def test_a_plugin_that_cannot_be_read_has_no_say(plugin: Path, manifest: bytes):
    (plugin / "plugin.toml").write_bytes(manifest)

    assert _found(plugin) == ()


def test_an_installed_plugin_counts_without_being_imported(plugin: Path, monkeypatch: pytest.MonkeyPatch):
    (plugin / "__init__.py").write_text("raise RuntimeError\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(plugin.parent))

    (found,) = criterion_plugins([], [EntryPoint("mine", "mine", "workbench.plugins")])

    assert found.startswith("criteria of mine 1.2 ")


@pytest.mark.parametrize(
    ("edited", "is_another"),
    [("searching.py", True), ("engine/core/one.py", True), ("session/verbs.py", True), ("gui/window.py", False)],
)
def test_what_measures_is_part_of_the_version_and_what_shows_is_not(tmp_path: Path, edited: str, is_another: bool):
    for name in ("searching.py", "engine/core/one.py", "session/verbs.py", "gui/window.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one = 1\n", encoding="utf-8")
    before = source_digest(tmp_path)

    (tmp_path / edited).write_text("one = 2\n", encoding="utf-8")

    assert (source_digest(tmp_path) != before) is is_another
