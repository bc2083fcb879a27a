"""AIMET, where there is an interpreter that has it.

Its figures are those of its simulator, which computes in float: no CPU's saturation is in them.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.peers.case import Samples
from workbench.engine.data.dataset import Dataset, seeded_subset
from workbench.engine.runtime.session import RuntimeSession

PYTHON = "WORKBENCH_PEERS_PYTHON"
MISSING = f"not installed: pip install -e '.[peers]', or name an interpreter that has it in {PYTHON}"
METHODS = {
    "minmax": "AIMET, min-max",
    "adaround": "AIMET, AdaRound, 500 iterations",
    "sequential_mse": "AIMET, sequential MSE",
}
_WORKER = Path(__file__).with_name("aimet_worker.py")
_ANALYZER = Path(__file__).with_name("aimet_analyzer_worker.py")
_LONGEST_S = 1200
# On busy cores threads that wait for one another busily take several times as long; ours do not spin either.
_PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
_READ_AT_ONCE = 64


class AimetError(Exception):
    """AIMET failed; the message is its last line."""


@dataclass(frozen=True, slots=True, eq=False)
class AimetResult:
    """The quantized model's outputs in order, first axis by sample; what it cost, and its file's size if it has one."""

    outputs: dict[str, npt.NDArray[np.float32]]
    seconds: float
    size_bytes: int | None


def find_aimet() -> str | None:
    """The interpreter to run AIMET with; None where there is none."""
    named = os.environ.get(PYTHON)
    if named:
        return named
    return sys.executable if importlib.util.find_spec("aimet_onnx") is not None else None


def run_aimet(python: str, samples: Samples, *, bits: int, per_channel: bool, method: str) -> AimetResult:
    """Quantize with AIMET, and run the result on all samples.

    Raises:
        AimetError: it does not do this model.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calibration = [next(iter(feeds.values())) for feeds in samples.calibration_batches()]
        np.save(folder / "calibration.npy", np.concatenate(calibration))
        _write_samples(samples.dataset, folder / "samples.npy")
        batch = RuntimeSession(samples.model).batch_size
        request = {
            "model": str(samples.model), "bits": bits, "per_channel": per_channel, "method": method, "batch": batch,
        }  # fmt: skip
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        _run(python, _WORKER, folder)
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        with np.load(folder / "outputs.npz") as stored:
            outputs = {key: np.asarray(stored[key], np.float32) for key in stored.files}
    return AimetResult(outputs, result["seconds"], result["bytes"])


@dataclass(frozen=True, slots=True)
class AnalyzerResult:
    """What AIMET's analyzer cost: seconds for all layers, each with its quantizers enabled alone."""

    seconds: float
    num_cells: int


def analyze_with_aimet(python: str, samples: Samples, *, num_images: int) -> AnalyzerResult:
    """Run AIMET's `QuantAnalyzer.perform_per_layer_analysis_by_enabling_quantizers`.

    Raises:
        AimetError: it does not do this model.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = samples.dataset
        images = seeded_subset(len(dataset), num_images)
        np.save(folder / "samples.npy", next(iter(dataset.batch(images).values())))
        (folder / "request.json").write_text(json.dumps({"model": str(samples.model)}), encoding="utf-8")
        _run(python, _ANALYZER, folder)
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return AnalyzerResult(result["seconds"], result["cells"])


def _run(python: str, worker: Path, folder: Path) -> None:
    done = subprocess.run(
        [python, str(worker), str(folder)], cwd=folder, env=os.environ | _PATIENT_THREADS,
        capture_output=True, text=True, check=False, timeout=_LONGEST_S,
    )  # fmt: skip
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise AimetError(lines[-1][:120] if lines else f"exit status {done.returncode}")


def _write_samples(dataset: Dataset, path: Path) -> None:
    """All samples as one array, written piece by piece: those of 224 pixels take 300 MB."""
    first = next(iter(dataset.batch([0]).values()))
    shape = (len(dataset), *first.shape[1:])
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=first.dtype, shape=shape)
    for start in range(0, len(dataset), _READ_AT_ONCE):
        places = range(start, min(start + _READ_AT_ONCE, len(dataset)))
        stored[start : places.stop] = next(iter(dataset.batch(list(places)).values()))
    stored.flush()
