import itertools

import pytest

from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.latency_estimate import Bound, LatencyEstimate
from workbench.engine.core.measurement import Origin
from workbench.engine.latency.calibrate import calibrated
from workbench.engine.latency.device_library import DeviceLibrary
from workbench.engine.latency.estimate import estimate, model_features
from workbench.engine.latency.onnx_operators import ModelOperators
from workbench.engine.latency.operator import Kind, Operator
from workbench.engine.latency.own_measurement import OwnMeasurement
from workbench.project.device_store import shipped_library

PHONE = "oneplus-7t/ncnn/cpu-4t"


@pytest.fixture(scope="module")
def library() -> DeviceLibrary:
    return shipped_library()


def conv(given: int, made: int, size: int, kernel: int, **more: object) -> Operator:
    weights = given * made * kernel**2
    return Operator(
        f"conv{made}", "Conv", Kind.CONV, ((given, size, size),), ((made, size, size),), (kernel, kernel),
        macs=weights * size**2, num_params=weights, **more,
    )  # fmt: skip


def network(width: int = 64, size: int = 28, depth: int = 4, **more: object) -> ModelOperators:
    body = [conv(width, width, size, kernel, **more) for kernel in itertools.islice(itertools.cycle((1, 3)), depth)]
    return ModelOperators((*body, Operator("add", "Add", Kind.ELEMENTWISE, ((width, size, size),) * 2,
                                           ((width, size, size),))))  # fmt: skip


def on(library: DeviceLibrary, model: ModelOperators, device: str | DeviceProfile = PHONE) -> LatencyEstimate:
    profile = library.find(device) if isinstance(device, str) else device
    features = model_features(model, profile.backend, profile.runtime)
    return estimate(features, profile, library.knowledge[profile.backend])


def test_the_layers_add_up_to_the_figure(library: DeviceLibrary):
    found = on(library, network())

    assert found.figure is not None
    assert (found.figure.origin, found.figure.level) == (Origin.ESTIMATED, 80)
    assert found.figure.low is not None
    assert found.figure.low < found.figure.value < found.figure.high
    assert sum(layer.ms for layer in found.layers) == pytest.approx(found.figure.value)
    assert sum(layer.share for layer in found.layers) == pytest.approx(1.0)


def test_less_of_everything_is_never_slower_on_any_device(library: DeviceLibrary):
    for device, profile in library.profiles.items():
        is_int8 = not profile.knows_float
        sizes = [(32, 14, 3), (32, 28, 3), (64, 28, 3), (64, 28, 5), (64, 56, 5), (128, 56, 5)]
        times = [on(library, network(*one, is_int8=is_int8), device).figure for one in sizes]

        assert None not in times, device
        values = [one.value for one in times if one is not None]
        assert values == sorted(values)
        assert values[0] > 0


def test_a_large_convolution_is_bound_by_compute_and_an_addition_is_not(library: DeviceLibrary):
    layers = on(library, network(256, 56)).layers

    assert layers[1].bound_by is Bound.COMPUTE
    assert layers[-1].bound_by is not Bound.COMPUTE


def test_float_and_int8_are_told_for_each_convolution(library: DeviceLibrary):
    found = on(library, network())
    whole = on(library, network(is_int8=True))

    assert [layer.float_ms for layer in found.layers] == pytest.approx([layer.ms for layer in found.layers])
    assert [layer.int8_ms for layer in found.layers] == pytest.approx([layer.ms for layer in whole.layers])


def test_a_float_network_has_no_figure_where_only_int8_was_measured(library: DeviceLibrary):
    only_int8 = next(one.id for one in library.profiles.values() if one.precision == "int8")

    found = on(library, network(), only_int8)

    assert found.figure is None
    assert "int8 only" in found.notes[0]


def test_an_npu_that_was_measured_with_wider_activations_says_so_beside_the_figure(library: DeviceLibrary):
    wide = next(one.id for one in library.profiles.values() if one.precision == "w8a16")

    found = on(library, network(is_int8=True), wide)

    assert found.figure is not None
    assert any("16-bit activations" in note for note in found.notes)
    assert on(library, network(), wide).figure is None


def test_an_operator_that_leaves_the_npu_gives_a_warning_and_no_number(library: DeviceLibrary):
    npu = next(one.id for one in library.profiles.values() if one.backend is Backend.NPU and one.precision == "float")
    model = network()
    odd = Operator("nms", "NonMaxSuppression", Kind.REDUCTION, ((100, 4),), ((100, 3),))

    found = on(library, ModelOperators((*model.operators, odd)), npu)

    assert found.figure is None
    assert "NonMaxSuppression" in found.notes[0]


def test_a_gpu_says_that_int8_brings_nothing(library: DeviceLibrary):
    gpu = next(one.id for one in library.profiles.values() if one.backend is Backend.GPU)

    quantized, plain = on(library, network(is_int8=True), gpu), on(library, network(), gpu)

    assert quantized.figure is not None
    assert plain.figure is not None
    assert quantized.figure.value == pytest.approx(plain.figure.value)
    assert any("int8 brings no speed" in note for note in quantized.notes)


def test_an_own_measurement_moves_the_profile_to_it(library: DeviceLibrary):
    profile = library.find(PHONE)
    prior = library.knowledge[profile.backend].prior
    model = network(128, 56)
    before = on(library, model)
    assert before.figure is not None
    measured = before.figure.value * 2

    mine = calibrated(profile, prior, [OwnMeasurement(model.operators, measured)], new_id="mine")
    after, other = on(library, model, mine), on(library, network(96, 56), mine)

    assert after.figure is not None
    assert after.figure.value == pytest.approx(measured, rel=0.05)
    known = on(library, network(96, 56))
    assert other.figure is not None
    assert known.figure is not None
    assert other.figure.value == pytest.approx(known.figure.value * 2, rel=0.1)


def test_every_shipped_profile_tells_its_source(library: DeviceLibrary):
    for profile in library.profiles.values():
        assert profile.sources
        assert all(source.repository and source.path and source.num_measurements for source in profile.sources)
        assert all(source.commit or source.line or source.license for source in profile.sources)
        assert min(profile.costs.values()) > 0


def test_an_npu_has_no_figure_for_ranges_found_at_run_time_and_a_cpu_says_what_it_leaves_out(library: DeviceLibrary):
    model = network(is_int8=True).with_activations(8, at_run_time=True)

    on_npu, on_cpu = (on(library, model, device) for device in ("samsung-galaxy-s24/tflite/npu/w8a8", PHONE))

    assert on_npu.figure is None
    assert "ranges found at run time" in on_npu.notes[0]
    assert on_cpu.figure is not None
    assert "ranges of activations are found at run time: what that takes is not counted" in on_cpu.notes


def test_what_a_run_takes_once_is_a_row_of_its_own_and_the_rows_add_up(library: DeviceLibrary):
    profile = library.find("samsung-galaxy-s24/tflite/npu/w8a8")
    model = network(is_int8=True)
    found = on(library, model, profile)

    start, first = found.layers[:2]

    # 64·28·28 numbers go in, and as many come out.
    moved = 2 * 64 * 28 * 28 / 1e6
    assert start.is_start
    assert start.ms == pytest.approx(profile.costs["const"] + moved * profile.costs["e_io"])
    assert first.name == "conv64"
    assert first.ms < 0.1 * start.ms
    assert len(found.layers) == len(model.operators) + 1
    assert sum(layer.ms for layer in found.layers) == pytest.approx(found.figure.value)
    assert sum(layer.share for layer in found.layers) == pytest.approx(1.0)


def test_a_run_that_takes_nothing_once_has_no_row_for_it(library: DeviceLibrary):
    assert not any(layer.is_start for layer in on(library, network()).layers)
