"""What is kept between estimates gives the same figures as reading the compressed graph anew."""

from pathlib import Path

import pytest

from tests.channel_networks import NETWORKS, Network
from workbench.bench import Bench
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import DataError
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, WeightRule
from workbench.engine.graph.model import load_model
from workbench.engine.latency.onnx_operators import model_operators
from workbench.estimating import Estimating, tool_times
from workbench.jobs import JobContext
from workbench.project.device_store import DeviceStore
from workbench.project.devices import Devices

PHONE = "oneplus-7t/ncnn/cpu-4t"


@pytest.fixture
def devices(tmp_path: Path) -> Devices:
    return Devices(DeviceStore(tmp_path / "devices"))


@pytest.fixture
def estimating(devices: Devices) -> Estimating:
    return Estimating(devices)


@pytest.fixture
def digits(demo_folder: Path) -> Bench:
    return Bench(Compressor(load_model(demo_folder / "digits.onnx")))


def _cut(ratio: float, kind: str = "filters") -> Recipe:
    return Recipe().with_rule("*", prune=Prune(kind, ratio=ratio))


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.75])
@pytest.mark.parametrize("kind", ["filters", "neurons"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_fewer_channels_are_estimated_as_the_cut_graph_is(
    network: Network, kind: str, ratio: float, devices: Devices, estimating: Estimating, tmp_path: Path
):
    bench = Bench(Compressor(load_model(network.write(tmp_path / "net.onnx"))))
    plan = bench.plan_of_shapes(_cut(ratio, kind), JobContext())
    cut = bench.model_of_shapes(plan, JobContext())

    found = estimating.estimate(bench, PHONE, _cut(ratio, kind), ctx=JobContext())

    assert found == devices.estimate(PHONE, model_operators(cut), plan)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe().with_rule("*", weights=WeightRule(bits=4)),
        Recipe().with_rule("op:Conv", weights=WeightRule(bits=8), activations=ActivationRule(bits=8)),
        _cut(0.5),
        _cut(0.5).with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8)),
    ],
    ids=["nothing", "weights", "int8", "channels", "channels and int8"],
)
def test_an_estimate_does_not_depend_on_those_before(
    recipe: Recipe, digits: Bench, devices: Devices, estimating: Estimating
):
    for other in (_cut(0.25), Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))):
        estimating.estimate(digits, PHONE, other, ctx=JobContext())

    after_others = estimating.estimate(digits, PHONE, recipe, ctx=JobContext())

    assert after_others == Estimating(devices).estimate(digits, PHONE, recipe, ctx=JobContext())


def test_another_model_on_the_bench_has_its_own_operators(digits: Bench, estimating: Estimating, tmp_path: Path):
    chain = Bench(Compressor(load_model(NETWORKS["chain"].write(tmp_path / "net.onnx"))))
    first = estimating.estimate(digits, PHONE, Recipe(), ctx=JobContext())

    other = estimating.estimate(chain, PHONE, Recipe(), ctx=JobContext())

    assert {layer.name for layer in other.layers}.isdisjoint(layer.name for layer in first.layers)
    assert estimating.estimate(digits, PHONE, Recipe(), ctx=JobContext()) == first


def test_times_are_read_from_a_tools_file(tmp_path: Path):
    path = tmp_path / "out.txt"
    path.write_text("Average inference time cost: 12.5 ms\n")

    (time,) = tool_times(path)

    assert (time.tool, time.ms) == ("onnxruntime_perf_test", 12.5)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path):
    with pytest.raises(DataError, match=r"missing\.txt: cannot be read"):
        tool_times(tmp_path / "missing.txt")
