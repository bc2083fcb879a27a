"""Plugins are found without running them, loaded by one road, and a bad one harms nobody."""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from workbench.engine.core.errors import PluginError
from workbench.plugin_loader import PluginInfo, find_plugins, load, load_plugins, plugin_folders

_MANIFEST = 'name = "{name}"\nversion = "1.2"\napi = 1\nsummary = "A test plugin"\nprovides = ["exporters"]\n'
_CODE = """
from workbench.plugin_api import Exporter, hook

def _write(model, path):
    path.write_bytes(model[::-1])

@hook
def exporters():
    return [Exporter("{name}", "backwards", ".rev", _write)]
"""

_HOOK = "from workbench.plugin_api import hook\n@hook\ndef {}"


@pytest.fixture(autouse=True)
def _forget_imported_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("workbench_plugins", "installed_")):
            del sys.modules[name]


def _make_plugin(folder: Path, name: str, *, manifest: str = _MANIFEST, code: str = _CODE) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "plugin.toml").write_text(manifest.format(name=name), encoding="utf-8")
    (path / "__init__.py").write_text(code.replace("{name}", name), encoding="utf-8")
    return path


def _find(folder: Path, source: str = "user") -> tuple[PluginInfo, ...]:
    return find_plugins([(source, folder)], [])


def test_finding_reads_the_manifest_and_runs_nothing(tmp_path: Path) -> None:
    path = _make_plugin(tmp_path, "loud", code="raise SystemExit('ran')")

    (info,) = _find(tmp_path)

    assert info == PluginInfo("loud", "1.2", 1, "A test plugin", ("exporters",), "user", path)


def test_a_loaded_plugin_gives_its_exporter(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "backwards")

    plugins = load_plugins(_find(tmp_path))
    plugins.exporter("backwards").write(b"abc", tmp_path / "out.rev")

    assert (tmp_path / "out.rev").read_bytes() == b"cba"


def test_a_folder_plugin_hides_no_installed_module(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "json", code="MINE = 1")

    module = load(_find(tmp_path)[0])

    assert module.__name__ == "workbench_plugins.json"
    assert "MINE" not in vars(sys.modules["json"])


def test_a_folder_plugin_may_have_modules_of_its_own(tmp_path: Path) -> None:
    path = _make_plugin(tmp_path, "parts", code="from workbench_plugins.parts.inner import ANSWER")
    (path / "inner.py").write_text("ANSWER = 42", encoding="utf-8")

    assert load(_find(tmp_path)[0]).ANSWER == 42


def test_loading_twice_gives_the_same_module(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "once")
    (info,) = _find(tmp_path)

    assert load(info) is load(info)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("1 / 0", "ZeroDivisionError", id="raises"),
        pytest.param("raise SystemExit(3)", "SystemExit", id="exits"),
        pytest.param("def (", "SyntaxError", id="no Python"),
        pytest.param(_HOOK.format("exporterz(): return []"), "exporterz", id="misspelt hook"),
        pytest.param(_HOOK.format("exporters(): return [1]"), "exporters() gave int, not Exporter", id="wrong type"),
        pytest.param(_HOOK.format("criteria(): return ['l1']"), "criteria() gave str, not Criterion", id="a name"),
        pytest.param(_HOOK.format("exporters(): return 1"), "not a list of Exporter", id="no list"),
        pytest.param(_HOOK.format("exporters(): return 1 / 0"), "ZeroDivisionError", id="hook raises"),
    ],
)
def test_a_plugin_that_fails_is_listed_and_the_others_go_on(tmp_path: Path, code: str, expected: str) -> None:
    _make_plugin(tmp_path, "a_bad_one", code=code)
    _make_plugin(tmp_path, "good")

    plugins = load_plugins(_find(tmp_path))

    bad, good = plugins.infos
    assert expected in bad.error
    assert "\n" not in bad.error
    assert good.error == ""
    assert [exporter.name for exporter in plugins.exporters()] == ["good"]
    assert [name for name, _ in plugins.manager.list_name_plugin()] == ["workbench", "good"]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param("name = ", "TOMLDecodeError", id="no toml"),
        pytest.param(_MANIFEST.replace('version = "1.2"\n', ""), "'version' is missing", id="no version"),
        pytest.param(_MANIFEST.replace("api = 1", "api = 99"), "plugin API 99; this program has 1", id="too new"),
        pytest.param(_MANIFEST.replace("api = 1", 'api = "1"'), "plugin API 1;", id="api is no number"),
        pytest.param(_MANIFEST.replace('["exporters"]', '["telepathy"]'), "telepathy", id="unknown hook"),
        pytest.param(_MANIFEST.replace("{name}", "../up"), "'../up' must be a Python name", id="bad name"),
    ],
)
def test_a_bad_manifest_is_listed_and_its_code_never_runs(tmp_path: Path, manifest: str, expected: str) -> None:
    _make_plugin(tmp_path, "bad", manifest=manifest, code="raise SystemExit('ran')")

    (info,) = load_plugins(_find(tmp_path)).infos

    assert expected in info.error
    with pytest.raises(PluginError, match=r"plugin\.toml"):
        load(info)


def test_of_two_plugins_with_one_name_the_first_is_used_and_the_second_listed(tmp_path: Path) -> None:
    first = _make_plugin(tmp_path / "one", "twin")
    _make_plugin(tmp_path / "two", "twin", code="raise SystemExit('ran')")

    plugins = load_plugins(find_plugins([("bundled", tmp_path / "one"), ("user", tmp_path / "two")], []))

    assert [info.error == "" for info in plugins.infos] == [True, False]
    assert str(first) in plugins.infos[1].error


def test_two_plugins_may_not_write_the_same_format(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "a_first")
    _make_plugin(tmp_path, "b_second", code=_CODE.replace("{name}", "a_first"))

    plugins = load_plugins(_find(tmp_path))

    assert "another plugin exports to a_first already" in plugins.infos[1].error


_CRITERION = """
from workbench.plugin_api import Criterion, Judgement, Needs, hook

@hook
def criteria():
    return [Criterion("NAME", "a test", Needs.WEIGHTS, lambda view: Judgement([]))]
"""


def test_criteria_of_plugins_stand_beside_the_engines_own(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "mine", code=_CRITERION.replace("NAME", "best"))

    plugins = load_plugins(_find(tmp_path))

    assert [criterion.name for criterion in plugins.criteria()] == [
        "activation_magnitude",
        "apoz",
        "batch_norm_scale",
        "best",
        "geometric_median",
        "l1",
        "l2",
        "random",
        "taylor",
    ]
    assert plugins.criterion("best").summary == "a test"
    with pytest.raises(PluginError, match="there is no criterion 'worst'; there is: activation_magnitude, apoz"):
        plugins.criterion("worst")


def test_no_plugin_takes_the_name_of_another_criterion(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "mine", code=_CRITERION.replace("NAME", "l1"))

    plugins = load_plugins(_find(tmp_path))

    assert "there is a criterion l1 already" in plugins.infos[0].error
    assert plugins.criterion("l1").summary == "sum of |w| over a channel's filter"


def test_an_installed_plugin_keeps_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_plugin(tmp_path, "installed_one")
    monkeypatch.syspath_prepend(tmp_path)
    entry_point = EntryPoint("installed_one", "installed_one", "workbench.plugins")

    (info,) = find_plugins([], [entry_point])

    assert "installed_one" not in sys.modules
    assert load(info).__name__ == "installed_one"
    assert info.source == "installed"


def test_an_entry_point_to_nowhere_is_listed_with_its_error() -> None:
    (info,) = find_plugins([], [EntryPoint("gone", "gone_for_good", "workbench.plugins")])

    assert "'gone_for_good'" in info.error


def test_the_places_are_bundled_user_and_those_in_the_variable(own_home: Path) -> None:
    places = list(plugin_folders({"WORKBENCH_PLUGINS": os.pathsep.join(("/one", "/two"))}))

    assert [source for source, _ in places] == ["bundled", "user", "WORKBENCH_PLUGINS", "WORKBENCH_PLUGINS"]
    assert (places[0][1] / "ort_format" / "plugin.toml").is_file()
    assert own_home in places[1][1].parents


def test_asking_for_a_format_that_nobody_writes_names_those_there_are(tmp_path: Path) -> None:
    _make_plugin(tmp_path, "only")

    with pytest.raises(PluginError, match="no plugin exports to 'other'; there is: only"):
        load_plugins(_find(tmp_path)).exporter("other")


def test_the_bundled_plugins_load() -> None:
    infos = [info for info in find_plugins(installed=[]) if info.source == "bundled"]

    assert [(info.name, info.error) for info in load_plugins(infos).infos] == [
        ("adb_runner", ""),
        ("next_layer", ""),
        ("ort_format", ""),
    ]
