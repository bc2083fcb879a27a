import json
import math

import pytest

from workbench.engine.core.errors import ProjectError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.project.scan_file import load_scan, save_scan

_KL = Figure(0.25, "nat", Origin.MEASURED, 0.2, 0.3, 64)
_DROP = Figure(0.01, "fraction", Origin.MEASURED, -0.01, 0.03, 64)
_SOFT = Figure(0.004, "fraction", Origin.MEASURED, 0.001, 0.007, 64)
_LAYERS = ("conv1", "conv2", "fc")
_SCAN = SensitivityScan(
    "model",
    "data",
    ScanAxes(weight_bits=(4, 2), activation_bits=(8,), sparsities=(0.5,), ratios=(0.25,), criterion="l1"),
    ("conv1", "fc"),
    (
        ScanCell("conv1", ScanSetting(weights=4), _KL, 12.5, _DROP, 64, soft_drop=_SOFT),
        ScanCell("conv1", ScanSetting(sparsity=0.5), _KL, math.inf, None, 64),
        ScanCell("fc", ScanSetting(ratio=0.25), error="the last layer gives the answers"),
    ),
    num_samples=64,
    seconds=1.5,
    num_resumed=2,
    is_complete=True,
    groups=(("conv2", "conv1"),),
    ranges_digest="ranges",
)


def test_a_scan_comes_back_as_it_was(tmp_path):
    path = tmp_path / "scan.json"

    save_scan(path, _SCAN)

    assert load_scan(path, model_digest="model", dataset_digest="data", layers=_LAYERS) == _SCAN


def test_a_file_from_before_soft_drops_were_kept_is_read(tmp_path):
    path = tmp_path / "scan.json"
    save_scan(path, _SCAN)
    values = json.loads(path.read_text())
    for cell in values["cells"]:
        del cell["soft_drop"]
    path.write_text(json.dumps(values))

    scan = load_scan(path, model_digest="model", dataset_digest="data", layers=_LAYERS)

    assert [cell.soft_drop for cell in scan.cells] == [None, None, None]
    assert scan.cells[0].drop == _DROP


def test_the_file_is_json_that_every_reader_takes(tmp_path):
    path = tmp_path / "scan.json"

    save_scan(path, _SCAN)

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    values = json.loads(path.read_text(), parse_constant=refuse)
    assert values["cells"][0]["setting"] == {"weights": 4}
    assert values["cells"][1]["sqnr_db"] is None


@pytest.mark.parametrize(
    ("model", "data", "what"), [("other", "data", "another model"), ("model", "other", "other samples")]
)
def test_a_scan_of_something_else_is_refused(tmp_path, model, data, what):
    path = tmp_path / "scan.json"
    save_scan(path, _SCAN)

    with pytest.raises(ProjectError, match=what):
        load_scan(path, model_digest=model, dataset_digest=data, layers=_LAYERS)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "no JSON"),
        ("[1]", "no scan"),
        ('{"format": "workbench scan", "version": 9}', "version 9"),
        ('{"format": "workbench scan", "version": 1}', "damaged"),
    ],
    ids=["cut off", "something else", "of the future", "empty"],
)
def test_a_file_that_is_no_scan_says_so(tmp_path, text, what):
    path = tmp_path / "scan.json"
    path.write_text(text)

    with pytest.raises(ProjectError, match=what):
        load_scan(path, model_digest="model", dataset_digest="data", layers=_LAYERS)


@pytest.mark.parametrize(
    ("place", "value"),
    [("layers", "conv1"), ("num_samples", "many"), ("axes", {"weight_bits": [2.5]}), ("cells", [{"layer": 1}])],
)
def test_values_of_the_wrong_kind_are_refused(tmp_path, place, value):
    path = tmp_path / "scan.json"
    save_scan(path, _SCAN)
    values = json.loads(path.read_text())
    values[place] = value
    path.write_text(json.dumps(values))

    with pytest.raises(ProjectError, match="damaged"):
        load_scan(path, model_digest="model", dataset_digest="data", layers=_LAYERS)


def _with(values, place, value):
    *path, last = place
    for step in path:
        values = values[step]
    values[last] = value


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (("seconds",), int("9" * 401), "99999"),
        (("seconds",), math.inf, "inf"),
        (("num_samples",), -1, "-1"),
        (("layers",), ["conv1", "fc", "other"], "'other' is no layer"),
        (("layers",), ["conv1", "fc", "fc"], "twice"),
        (("groups",), [["conv1"]], "first of its group"),
        (("groups",), [["other", "conv1"]], "'other' is no layer"),
        (("axes", "weight_bits"), [2, 1000000000], "1000000000 is no number of bits"),
        (("axes", "activation_bits"), [0, -3], "0 is no number of bits"),
        (("axes", "style"), {"range": 5}, "range"),
        (("axes", "style"), {"bits": 99}, "bits"),
        (("axes", "activation_style"), {"signed": "maybe"}, "signed"),
        (("axes", "style"), {"fancy": True}, "fancy"),
        (("cells", 0, "layer"), "conv9", "'conv9' has a cell"),
        (("cells", 0, "setting"), {"weights": 1}, "1 is no number of bits"),
        (("cells", 0, "kl", "value"), math.nan, "nan"),
        (("cells", 0, "kl", "value"), math.inf, "inf"),
        (("cells", 0, "kl", "value"), -5, "-5"),
        (("cells", 0, "kl", "value"), int("9" * 401), "damaged"),
        (("cells", 0, "kl", "n"), math.inf, "damaged"),
    ],
)
def test_values_that_no_scan_has_are_refused_in_one_line(tmp_path, place, value, what):
    path = tmp_path / "scan.json"
    save_scan(path, _SCAN)
    values = json.loads(path.read_text())
    _with(values, place, value)
    path.write_text(json.dumps(values))

    with pytest.raises(ProjectError, match=what) as caught:
        load_scan(path, model_digest="model", dataset_digest="data", layers=_LAYERS)

    message = str(caught.value)
    assert message.startswith(f"{path}: is damaged (")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 250


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ProjectError, match="cannot be read"):
        load_scan(tmp_path / "none.json", model_digest="model", dataset_digest="data", layers=_LAYERS)
