"""Models as files, against the operator lists of the same networks that stand beside the measurements."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.engine.core.device_profile import Backend
from workbench.engine.graph.model import load_model
from workbench.engine.latency.features import FEATURES, feature_matrix
from workbench.engine.latency.onnx_operators import model_operators

_PAIRS = [
    ("mobilenet_v1_0_25_224.float.onnx", "tab/mobilenet_v1_0.25_224"),
    ("squeezenet1.1_rgb224.onnx", "tab/squeezenet1_1"),
]


@pytest.fixture
def networks(shared_data: Path) -> dict[str, Any]:
    path = shared_data / "latency" / "measurements.json"
    if not path.is_file():
        pytest.skip("needs ../shared/data/latency/measurements.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["networks"]
    return found


@pytest.fixture
def packaging() -> Iterator[None]:
    folder = str(Path(__file__).resolve().parents[3] / "packaging")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


@pytest.mark.parametrize(("file", "network"), _PAIRS, ids=["mobilenet", "squeezenet"])
@pytest.mark.usefixtures("packaging")
def test_features_of_a_file_are_those_of_the_published_network(networks, shared_data: Path, file: str, network: str):
    from measured_networks import operators_of

    published = operators_of(networks[network])
    model = model_operators(load_model(shared_data / "models" / "imagenet_sample" / file))

    assert model.macs == pytest.approx(sum(operator.macs for operator in published), rel=0.02)
    assert not model.unknown
    ours = feature_matrix(model.operators, Backend.CPU, "ncnn").sum(0)
    theirs = feature_matrix(published, Backend.CPU, "ncnn").sum(0)
    # The files end in a softmax, which the lists leave out.
    names = {name: place for place, name in enumerate(FEATURES[Backend.CPU])}
    ours[names["n_ops"]] -= 1
    ours[names["e_norm"]] = theirs[names["e_norm"]]
    assert ours == pytest.approx(theirs, rel=0.02)


@pytest.mark.usefixtures("packaging")
def test_the_quantized_file_asks_for_as_many_products_all_on_integers(networks, shared_data: Path):
    from measured_networks import operators_of

    published = operators_of(networks["tab/mobilenet_v1_0.25_224"])
    path = shared_data / "models" / "imagenet_sample" / "mobilenet_v1_0_25_224.qdq.onnx"
    model = model_operators(load_model(path))

    assert model.macs == pytest.approx(sum(operator.macs for operator in published), rel=0.02)
    assert all(operator.is_int8 for operator in model.operators if operator.macs)
