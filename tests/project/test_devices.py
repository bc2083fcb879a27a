import json
from pathlib import Path

import pytest

from workbench.engine.core.errors import DataError, ExportError, ProjectError
from workbench.engine.graph.model import load_model
from workbench.engine.latency.onnx_operators import model_operators
from workbench.project.device_store import DeviceStore
from workbench.project.devices import Devices

PHONE = "oneplus-7t/ncnn/cpu-4t"


@pytest.fixture
def devices(tmp_path: Path) -> Devices:
    return Devices(DeviceStore(tmp_path / "devices"))


@pytest.fixture
def model(demo_folder: Path) -> Path:
    return demo_folder / "digits.onnx"


def test_an_own_device_is_kept_named_exported_removed_and_taken_in(devices: Devices, model: Path, tmp_path: Path):
    made = devices.add("my-phone", PHONE, [(model, 3.0)], name="My phone")
    devices.export("my-phone", tmp_path / "my.json")
    devices.remove("my-phone")
    gone = [profile.id for profile in devices.profiles()[0]]
    back = devices.take_in(tmp_path / "my.json")

    assert "my-phone" not in gone
    assert (back.name, back.num_own) == ("My phone", 1)
    assert back.costs == pytest.approx(made.costs, rel=1e-4)
    assert devices.profiles()[0][0].id == "my-phone"


def test_a_file_of_before_a_cost_was_split_off_is_taken_in_with_the_cost_of_the_whole(
    devices: Devices, model: Path, tmp_path: Path
):
    devices.add("my-phone", PHONE, [(model, 3.0)])
    devices.export("my-phone", tmp_path / "my.json")
    content = json.loads((tmp_path / "my.json").read_text())
    costs = content["profile"]["costs"]
    del costs["mac_3x3_more_i8"], costs["e_requant_i8"]
    (tmp_path / "old.json").write_text(json.dumps(content))

    back = devices.take_in(tmp_path / "old.json", force=True)

    assert back.costs["mac_3x3_more_i8"] == costs["mac_3x3_i8"]
    assert back.costs["e_requant_i8"] == costs["e_out_i8"]


def test_a_device_of_that_name_is_not_replaced_unasked(devices: Devices, model: Path):
    devices.add("my-phone", PHONE, [(model, 3.0)])

    with pytest.raises(ExportError, match="you have a device 'my-phone' already; give another name"):
        devices.add("my-phone", PHONE, [(model, 4.0)])

    assert devices.add("my-phone", PHONE, [(model, 4.0)], force=True).num_own == 1


@pytest.mark.parametrize("ms", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(devices: Devices, model: Path, ms: float):
    with pytest.raises(DataError, match="no time"):
        devices.add("my-phone", PHONE, [(model, ms)])


def test_an_unknown_device_is_answered_with_those_like_it(devices: Devices):
    with pytest.raises(ProjectError, match="oneplus-7t"):
        devices.library.find("oneplus")


def test_a_damaged_profile_is_told_and_the_others_stay(devices: Devices, model: Path, tmp_path: Path):
    devices.add("my-phone", PHONE, [(model, 3.0)])
    (tmp_path / "devices" / "bad.json").write_text('{"format": 1, "profile": {"id": "x"}}')

    profiles, problems = devices.profiles()

    assert profiles[0].id == "my-phone"
    assert "bad.json" in problems[0]


def test_a_fit_tells_the_errors_before_and_after_and_keeps_nothing(devices: Devices, model: Path):
    fit = devices.fit("my-phone", PHONE, [(model, 3.0)], name="My phone")

    (time,) = fit.times
    assert time.before_ms == pytest.approx(devices.estimate(PHONE, model_operators(load_model(model))).figure.value)
    # One time scales all costs, so that the model it was measured with is met nearly.
    assert abs(time.error_after) < 0.1 < abs(time.error_before)
    assert devices.profiles()[0][0].id != "my-phone"


def test_an_added_device_is_what_the_fit_showed(devices: Devices, model: Path):
    shown = devices.fit("my-phone", PHONE, [(model, 3.0)], name="My phone").profile

    assert devices.add("my-phone", PHONE, [(model, 3.0)], name="My phone") == shown


def test_a_fit_needs_a_time(devices: Devices):
    with pytest.raises(DataError, match="no time was given"):
        devices.fit("my-phone", PHONE, [])


def test_names_in_other_scripts_are_kept_apart(devices: Devices, model: Path):
    devices.add("手机", PHONE, [(model, 3.0)])
    devices.add("平板", PHONE, [(model, 4.0)])

    assert {profile.id for profile in devices.profiles()[0][:2]} == {"手机", "平板"}


def test_where_only_int8_was_measured_a_float_model_is_told_where_float_was(devices: Devices, model: Path):
    known = devices.library.profiles
    only_int8 = [one for one in known.values() if not one.knows_float]
    operators = model_operators(load_model(model))

    said = {one.id: devices.estimate(one.id, operators) for one in only_int8}

    assert said
    for one in only_int8:
        answer = said[one.id]
        assert answer.figure is None
        hint = answer.notes[1]
        if hint.startswith("in float it was measured as "):
            other = known[hint.removeprefix("in float it was measured as ")]
            assert (other.name, other.runtime) == (one.name, one.runtime)
            assert devices.estimate(other.id, operators).figure is not None
        else:
            assert hint == "quantize all layers to 8 bits first"
