"""Strange models from end to end: each is quantized and proven, or says in one line why not."""

from collections import Counter
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


@dataclass(frozen=True)
class _Expected:
    """What is known of a folder's files: how many of each kind, and which are refused."""

    verified: int = 0
    nothing_to_quantize: int = 0
    unreadable: int = 0
    refused: tuple[str, ...] = ()


_EXPECTED = {
    "broken": _Expected(verified=1, unreadable=33, refused=("weight_wrong_channels.onnx",)),
    "derived": _Expected(verified=6, nothing_to_quantize=5, unreadable=2),
    "light": _Expected(nothing_to_quantize=5),
    "node": _Expected(nothing_to_quantize=53),
    "synthetic": _Expected(
        verified=26,
        nothing_to_quantize=10,
        refused=(
            "double_precision.onnx",
            "input_rank0_shape_empty.onnx",
            "no_shapes_at_all.onnx",
            "nodes_all_same_name.onnx",
        ),
    ),
    "wild": _Expected(
        verified=12, nothing_to_quantize=16, refused=("superres_prepost_op18.onnx", "supres.onnx")
    ),
}  # fmt: skip


def test_no_folder_of_stress_files_is_left_out(shared_data: Path):
    folders = {path.parts[0] for path in _relative(shared_data / "models" / "stress")}

    assert folders == set(_EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", _EXPECTED)
def test_each_stress_file_is_quantized_and_proven_or_says_why_not(shared_data: Path, tmp_path: Path, name: str):
    folder = shared_data / "models" / "stress" / name

    found = {str(path): _outcome(folder / path, tmp_path) for path in _relative(folder)}

    refused = tuple(path for path, outcome in found.items() if outcome.kind == "refused")
    counts = Counter(outcome.kind for outcome in found.values())
    assert _EXPECTED[name] == _Expected(
        counts["verified"], counts["no layers to quantize"], counts["unreadable"], refused
    ), {path: (outcome.kind, outcome.line) for path, outcome in found.items()}
    # What is refused does not run as it came, either.
    assert [path for path in refused if _runs_in_float(folder / path)] == []
    for path, outcome in found.items():
        assert "\n" not in outcome.line, path
        assert bool(outcome.line) is (outcome.kind in ("refused", "unreadable")), path


def _relative(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*.onnx"))
