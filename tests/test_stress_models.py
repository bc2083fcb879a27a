"""Strange models from end to end: each is quantized and proven, or says in one line why not."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from workbench.engine.core.errors import ModelError, WorkbenchError
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.runtime.random_inputs import random_inputs
from workbench.engine.runtime.session import RuntimeSession
from workbench.session import Session

_RECIPES = {
    "8 bits": Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8, range="minmax")),
    "4-bit weights": Recipe().with_rule("*", weights=WeightRule(bits=4)),
}
_NUM_SAMPLES = 4
# What comes out is compared with what comes out of the original, and numbers go in as they are.
_AS_THEY_ARE = {"scale": 1.0, "mean": 0.0, "std": 1.0, "metric": "agreement"}
# Two recurrent directions, one number as the answer, groups in a transposed convolution, nodes that are out of order.
_FEW = (
    "wild/cntk_lstm_bidirectional.onnx",
    "wild/unet_upsample_small.onnx",
    "synthetic/convtranspose_groups_dilation.onnx",
    "broken/nodes_not_topologically_sorted.onnx",
)


@dataclass(frozen=True)
class _Outcome:
    """What became of one file.

    Args:
        kind: "unreadable", "no layers to quantize", "refused" or "verified".
        line: the message of an error.
    """

    kind: str
    line: str = ""


def _outcome(path: Path, folder: Path) -> _Outcome:
    bench = Session()
    try:
        info = bench.open_model(path)
    except ModelError as error:
        return _Outcome("unreadable", str(error))
    if not any(layer.quantizable for layer in info.layers):
        return _Outcome("no layers to quantize")
    try:
        _save_samples(path, folder / "x.npz")
        bench.open_data(folder / "x.npz", _AS_THEY_ARE)
        for recipe in _RECIPES.values():
            _check_exported(bench, recipe, folder / "small.onnx")
    except WorkbenchError as error:
        return _Outcome("refused", str(error))
    return _Outcome("verified")


def _save_samples(path: Path, target: Path) -> None:
    session = RuntimeSession(path)
    drawn = [random_inputs(session, seed=seed) for seed in range(_NUM_SAMPLES)]
    np.savez(target, **{name: np.concatenate([np.atleast_1d(feeds[name]) for feeds in drawn]) for name in drawn[0]})


def _check_exported(bench: Session, recipe: Recipe, target: Path) -> None:
    report = bench.export(recipe, target, force=True)

    assert report.verified.ok
    assert report.verified.samples >= _NUM_SAMPLES
    assert report.plan.is_changed
    for entry in report.plan.layers:
        assert entry.weights is not None or entry.reason
        # Where the recipe asks for quantized activations and a layer stays float, it says why.
        assert entry.activations is not None or entry.reason or "activations" not in entry.asked


def _runs_in_float(path: Path) -> bool:
    """Whether onnxruntime alone opens the file and runs it on the same numbers."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        session.run(None, random_inputs(RuntimeSession(path)))
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", _FEW)
def test_a_few_strange_models_are_quantized_and_proven(shared_data: Path, tmp_path: Path, name: str):
    assert _outcome(shared_data / "models" / "stress" / name, tmp_path) == _Outcome("verified")


@pytest.mark.slow
def test_each_stress_file_is_quantized_and_proven_or_says_why_not(shared_data: Path, tmp_path: Path):
    folder = shared_data / "models" / "stress"
    files = sorted(folder.rglob("*.onnx"))

    found = {str(path.relative_to(folder)): _outcome(path, tmp_path) for path in files}

    named = {
        kind: sorted(name for name, outcome in found.items() if outcome.kind == kind)
        for kind in ("verified", "refused", "no layers to quantize", "unreadable")
    }
    assert sum(map(len, named.values())) == len(files) >= 170
    assert len(named["verified"]) >= 45, named
    # What is refused does not run as it came, either.
    assert [name for name in named["refused"] if _runs_in_float(folder / name)] == []
    assert len(named["refused"]) <= 8, named["refused"]
    for name, outcome in found.items():
        assert "\n" not in outcome.line, name
        assert bool(outcome.line) is (outcome.kind in ("refused", "unreadable")), name
