import json
import math

import pytest

from workbench.engine.core.errors import ProjectError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.project.scan_file import load_scan, save_scan

_KL = Figure(0.25, "nat", Origin.MEASURED, 0.2, 0.3, 64)
_DROP = Figure(0.01, "fraction", Origin.MEASURED, -0.01, 0.03, 64)
_SCAN = SensitivityScan(
    "model",
    "data",
    ScanAxes(weight_bits=(4, 2), activation_bits=(8,), sparsities=(0.5,), ratios=(0.25,), criterion="l1"),
    ("conv1", "fc"),
    (
        ScanCell("conv1", ScanSetting(weights=4), _KL, 12.5, _DROP, 64),
        ScanCell("conv1", ScanSetting(sparsity=0.5), _KL, math.inf, None, 64),
        ScanCell("fc", ScanSetting(ratio=0.25), error="the last layer gives the answers"),
    ),
    num_samples=64,
    seconds=1.5,
    num_resumed=2,
    is_complete=True,
    groups=(("conv2", "conv1"),),
)


def test_a_scan_comes_back_as_it_was(tmp_path):
    path = tmp_path / "scan.json"

    save_scan(path, _SCAN)

    assert load_scan(path, model_digest="model", dataset_digest="data") == _SCAN


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
        load_scan(path, model_digest=model, dataset_digest=data)


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
        load_scan(path, model_digest="model", dataset_digest="data")


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
        load_scan(path, model_digest="model", dataset_digest="data")


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ProjectError, match="cannot be read"):
        load_scan(tmp_path / "none.json", model_digest="model", dataset_digest="data")
