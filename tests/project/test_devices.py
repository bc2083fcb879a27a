import json
from pathlib import Path

import onnx
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


def test_a_device_that_is_measured_once_more_rests_on_all_of_it(devices: Devices, model: Path):
    devices.add("my-phone", PHONE, [(model, 3.0)])

    assert devices.add("my-faster-phone", "my-phone", [(model, 2.0)]).num_own == 2


@pytest.mark.parametrize("ms", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(devices: Devices, model: Path, ms: float):
    with pytest.raises(DataError, match="no time"):
        devices.add("my-phone", PHONE, [(model, ms)])


def test_an_unknown_device_is_answered_with_those_like_it(devices: Devices):
    with pytest.raises(ProjectError, match="oneplus-7t"):
        devices.library.find("oneplus")


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("onplus-7t/ncnn/cpu-4t", "oneplus-7t/ncnn/cpu-4t"),
        ("pixel-1/tflite-2019/cpu-1t", "google-pixel-1/tflite-2019/cpu-1t"),
        ("OnePlus 7T", "oneplus-7t/ncnn/cpu-1t"),
    ],
    ids=["slip", "part", "name"],
)
def test_a_near_name_is_proposed(devices: Devices, asked: str, first: str):
    with pytest.raises(ProjectError, match=f"did you mean {first}"):
        devices.library.find(asked)


@pytest.mark.parametrize("asked", ["x", "cpu", "nothing/like/it", "", "1/ncnn/cpu-4t"])
def test_where_no_name_is_near_the_list_is(devices: Devices, asked: str):
    with pytest.raises(ProjectError, match="; `workbench devices` lists them"):
        devices.library.find(asked)


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


def test_a_time_of_quite_another_size_and_one_that_no_fit_tells_are_told(devices: Devices, model: Path):
    wrong_unit = devices.fit("my-phone", PHONE, [(model, 40.0)])
    contradicting = devices.fit("my-phone", PHONE, [(model, 0.03), (model, 0.3)])

    assert any("is it in milliseconds?" in note for note in wrong_unit.notes)
    told = [note for note in contradicting.notes if "outside of what the fit says" in note]
    assert told
    # Whoever asks the kept profile hears it, too.
    assert set(told) <= set(contradicting.profile.notes)


def test_a_profile_under_the_name_of_one_that_ships_is_not_taken_in_unless_it_is_that_one(
    devices: Devices, tmp_path: Path
):
    devices.export(PHONE, tmp_path / "same.json")
    content = json.loads((tmp_path / "same.json").read_text())
    content["profile"]["costs"]["operator"] = 123.0
    (tmp_path / "other.json").write_text(json.dumps(content))

    assert devices.take_in(tmp_path / "same.json").id == PHONE
    with pytest.raises(ProjectError, match="ships"):
        devices.take_in(tmp_path / "other.json")


def test_of_several_measurements_each_is_told_from_the_others(devices: Devices, model: Path):
    one, other = (devices.fit("my-phone", PHONE, [(model, ms)]) for ms in (3.0, 3.6))
    both = devices.fit("my-phone", PHONE, [(model, 3.0), (model, 3.6)])

    assert one.times[0].by_others_ms is None
    # What a fit to the other one alone says of this model.
    assert [time.by_others_ms for time in both.times] == [other.times[0].after_ms, one.times[0].after_ms]


def test_an_added_device_is_what_the_fit_showed(devices: Devices, model: Path):
    shown = devices.fit("my-phone", PHONE, [(model, 3.0)], name="My phone").profile

    assert devices.add("my-phone", PHONE, [(model, 3.0)], name="My phone") == shown


def test_times_of_one_model_that_contradict_each_other_are_told_and_kept_as_a_note(devices: Devices, model: Path):
    fit = devices.fit("my-phone", PHONE, [(model, 0.5), (model, 0.05)])
    devices.add("my-phone", PHONE, [(model, 0.5), (model, 0.05)])

    note = "digits.onnx was given 0.050 ms and 0.500 ms: both are used, and the fit lies between them"
    assert fit.notes[0] == note
    assert 0.05 < fit.times[0].after_ms < 0.5
    assert note in devices.estimate("my-phone", model_operators(load_model(model))).notes


def test_times_of_one_model_that_differ_as_runs_do_need_no_note(devices: Devices, model: Path):
    assert devices.fit("my-phone", PHONE, [(model, 0.050), (model, 0.055)]).notes == ()


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


NPU = "samsung-galaxy-s24/qnn-dlc/npu"


def shapeless(path: Path) -> Path:
    """A model of which no shape is known."""
    onnx.save(
        onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> g (float[1,N] x) => (float y) {y = Abs(x)}'),
        path,
    )
    return path


def integers(path: Path, zero_point: str = "uint8") -> Path:
    """A quantized convolution; its activations are of the zero point's type."""
    text = f"""<ir_version: 10, opset_import: ["" : 21]>
    g (float[1,8,8,8] x) => (float[1,8,8,8] y)
    <float s = {{0.1}}, {zero_point} z = {{0}}, int8[8,8,1,1] w = {{{", ".join(["1"] * 64)}}}, int8 wz = {{0}}> {{
        q = QuantizeLinear (x, s, z)
        d = DequantizeLinear (q, s, z)
        v = DequantizeLinear (w, s, wz)
        c = Conv (d, v)
        e = QuantizeLinear (c, s, z)
        y = DequantizeLinear (e, s, z) }}"""
    onnx.save(onnx.parser.parse_model(text), path)
    return path


def test_a_model_without_a_figure_makes_no_profile_and_says_why(devices: Devices, tmp_path: Path):
    model = shapeless(tmp_path / "m.onnx")

    with pytest.raises(DataError, match=r"m\.onnx: no figure: the shape of y is not known"):
        devices.add("my-phone", PHONE, [(model, 3.0)])

    assert not (tmp_path / "devices").exists()


def test_a_time_of_a_model_without_a_figure_fits_nothing(devices: Devices, tmp_path: Path):
    operators = model_operators(load_model(shapeless(tmp_path / "m.onnx")))

    with pytest.raises(DataError, match="no figure"):
        devices.estimate(PHONE, operators, measured_ms=3.0)


def test_a_float_model_makes_no_profile_of_a_device_that_was_measured_in_int8_only(devices: Devices, model: Path):
    with pytest.raises(DataError, match=f"measured in int8 only; in float it was measured as {NPU}/float"):
        devices.fit("my-phone", f"{NPU}/w8a8", [(model, 3.0)])


@pytest.mark.parametrize("device", ["", "  ", "..", "../../etc", "a/../b", "/etc", "a//b", "a\\b", "a\nb", "x" * 300])
def test_an_id_that_is_none_is_refused_and_nothing_written(devices: Devices, model: Path, tmp_path: Path, device: str):
    with pytest.raises(ProjectError, match="no id"):
        devices.add(device, PHONE, [(model, 3.0)], force=True)

    assert not (tmp_path / "devices").exists()


def test_a_device_that_ships_is_never_replaced(devices: Devices, model: Path, tmp_path: Path):
    with pytest.raises(ProjectError, match=r"ships with the program.*such as my-oneplus-7t-ncnn-cpu-4t"):
        devices.add(PHONE, PHONE, [(model, 3.0)], force=True)

    assert not (tmp_path / "devices").exists()


@pytest.mark.parametrize(("device", "said"), [(PHONE, "ships"), ("../up", "no id")], ids=["shipped", "outside"])
def test_an_exported_profile_with_an_id_that_no_own_device_may_have_is_not_taken_in(
    devices: Devices, model: Path, tmp_path: Path, device: str, said: str
):
    devices.add("my-phone", PHONE, [(model, 3.0)])
    devices.export("my-phone", tmp_path / "my.json")
    content = json.loads((tmp_path / "my.json").read_text())
    content["profile"]["id"] = device
    (tmp_path / "my.json").write_text(json.dumps(content))

    with pytest.raises(ProjectError, match=said):
        devices.take_in(tmp_path / "my.json", force=True)


def test_ids_that_differ_in_a_slash_do_not_replace_or_remove_each_other(devices: Devices, model: Path):
    devices.add("my/phone", PHONE, [(model, 3.0)])

    with pytest.raises(ExportError, match="your device 'my/phone'"):
        devices.add("my phone", PHONE, [(model, 3.0)], force=True)
    with pytest.raises(ProjectError, match="no profile of your own"):
        devices.remove("my phone")

    assert devices.library.find("my/phone").num_own == 1


def test_a_quantized_model_is_told_where_int8_was_measured(devices: Devices, tmp_path: Path):
    operators = model_operators(load_model(integers(tmp_path / "m.onnx")))

    found = devices.estimate(f"{NPU}/float", operators)

    assert found.figure is None
    assert found.notes[1] == f"quantized it was measured as {NPU}/w8a8"


def test_16_bit_activations_are_told_where_only_8_bits_were_measured_and_where_16_were(
    devices: Devices, tmp_path: Path
):
    operators = model_operators(load_model(integers(tmp_path / "m.onnx", "uint16")))

    narrow, wide = (devices.estimate(f"{NPU}/{precision}", operators) for precision in ("w8a8", "w8a16"))

    assert any("the model has 16-bit activations" in note for note in narrow.notes)
    assert narrow.notes[-1] == f"with 16-bit activations it was measured as {NPU}/w8a16"
    assert not any("the model has 16-bit" in note or "may be faster" in note for note in wide.notes)


def test_8_bit_activations_may_be_faster_than_the_16_that_were_measured(devices: Devices, tmp_path: Path):
    operators = model_operators(load_model(integers(tmp_path / "m.onnx")))

    wide, narrow = (devices.estimate(f"{NPU}/{precision}", operators) for precision in ("w8a16", "w8a8"))

    assert any("with 8-bit ones, as in this model, the NPU may be faster" in note for note in wide.notes)
    assert not any("16-bit" in note for note in narrow.notes)


def test_a_float_model_is_told_which_numbers_a_device_was_measured_in(devices: Devices, model: Path):
    found = devices.estimate(f"{NPU}/w8a16", model_operators(load_model(model)))

    assert "with 8-bit weights and 16-bit activations only" in found.notes[0]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("id", 5, "profile.id is 5, not a text"),
        ("name", "", "profile.name is empty"),
        ("costs", None, "profile.costs is missing"),
        ("costs", {"mac_1x1": 0.1}, "profile.costs.wino is missing"),
        ("costs", {"mac_1x1": "much"}, "profile.costs.mac_1x1 is 'much', not a finite number from 0 on"),
        ("costs", {"mac_1x1": -1}, "profile.costs.mac_1x1 is -1, not a finite number from 0 on"),
        ("costs", [], "profile.costs is [], not an object"),
        ("backend", "tpu", "profile.backend is 'tpu', not one of cpu, gpu, npu"),
        ("precision", "int4", "profile.precision is 'int4', not one of"),
        ("threads", 1.5, "profile.threads is 1.5, not a whole number"),
        ("threads", True, "profile.threads is True, not a finite number"),
        ("error", {"median": 0.1}, "profile.error.within_20 is missing"),
        ("sources", [{}], "profile.sources[0].repository is missing"),
        ("notes", [1], "profile.notes[0] is 1, not a text"),
        ("traits", {"x": None}, "profile.traits.x is None, not a finite number"),
    ],
)
def test_an_incomplete_profile_is_refused_with_its_file_and_key(
    devices: Devices, model: Path, tmp_path: Path, key: str, value: object, said: str
):
    path = tmp_path / "given.json"
    devices.export(PHONE, path)
    content = json.loads(path.read_text())
    content["profile"] |= {"id": "given", key: value}
    if value is None:
        del content["profile"][key]
    path.write_text(json.dumps(content))

    with pytest.raises(ProjectError) as refused:
        devices.take_in(path)

    assert str(refused.value).startswith(f"{path}: {said}")
    assert not (tmp_path / "devices").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"format": 1,\n ]', r"is no JSON file \(line 2, column 2\)"),
        (b"\xff\xfe\x00", "is no text"),
        (b"[" * 100_000, "is no JSON file"),
        (b"[]", "not a device profile"),
    ],
    ids=["cut", "binary", "nested", "something else"],
)
def test_a_file_that_is_no_profile_is_refused_in_plain_words(
    devices: Devices, tmp_path: Path, content: bytes, said: str
):
    path = tmp_path / "phone.json"
    path.write_bytes(content)

    with pytest.raises(ProjectError, match=said):
        devices.take_in(path)


def test_a_profile_that_is_not_there_is_refused_in_plain_words(devices: Devices, tmp_path: Path):
    with pytest.raises(ProjectError, match=r"cannot be read \(No such file or directory\)"):
        devices.take_in(tmp_path / "gone.json")
