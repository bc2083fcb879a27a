"""Evaluation against a bare onnxruntime loop over the same batches, ready in memory.

"First" decodes the images while the model runs; "again" finds their tensors kept, as every evaluation after the first
does.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.engine.data.dataset import Dataset, open_dataset, seeded_order
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_ROUNDS = 5
_MOST_OVERHEAD = 1.05
_PAIRS = [
    ("cifar10/resnet20_cifar10_opset13.onnx", "cifar10/cifar10_test_jpeg_halfA.zip"),
    ("imagenet_sample/mobilenet_v1_0_25_224.float.onnx", "imagenet_sample/imagenet_sample_even500_224.zip"),
]


@pytest.mark.bench
@pytest.mark.parametrize(("model", "data"), _PAIRS, ids=["resnet20", "mobilenet"])
def test_evaluation_costs_at_most_5_percent_over_a_bare_loop(shared_data: Path, model: str, data: str, capsys):
    folder = shared_data / "models"
    session = RuntimeSession(folder / model)
    dataset = open_dataset(folder / data, _settings(folder, model, data), session.inputs)
    batches = _batches(dataset)
    first, again, bare = [], [], []
    # In turns, so that a slow spell of the machine meets both.
    for _ in range(_ROUNDS):
        bare.append(_seconds(lambda: [session.run(feeds) for feeds in batches]))
        again.append(_seconds(lambda: _evaluate(session, dataset)))
        fresh = open_dataset(folder / data, _settings(folder, model, data), session.inputs)
        first.append(_seconds(lambda fresh=fresh: _evaluate(session, fresh)))
    base = statistics.median(bare)
    with capsys.disabled():
        print(f"\n{model}, n = {len(dataset)}, median of {_ROUNDS}")
        for name, seconds in (
            ("bare loop", base),
            ("first", statistics.median(first)),
            ("again", statistics.median(again)),
        ):
            print(f"  {name:<10} {seconds:6.2f} s  {seconds / base:5.2f}×")

    assert statistics.median(again) <= _MOST_OVERHEAD * base


def _evaluate(session: RuntimeSession, dataset: Dataset) -> None:
    for _ in evaluate(session, dataset, JobContext()):
        pass


def _batches(dataset: Dataset) -> list[dict[str, np.ndarray]]:
    return [feeds for _, feeds in sample_batches(dataset, seeded_order(len(dataset)), JobContext())]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _settings(folder: Path, model: str, data: str) -> dict[str, object]:
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
    pair = next(item for item in pairs if item["model"] == model and item["data"] == data)
    return {key: pair["pre"][key] for key in ("scale", "mean", "std")} | {"labels_offset": pair["label_offset"]}
