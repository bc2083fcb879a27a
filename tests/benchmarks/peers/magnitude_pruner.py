"""Torch-Pruning's default on ResNet-20, where there is an interpreter that has it."""

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

from tests.benchmarks.peers.aimet import PYTHON

MISSING = f"not installed: name an interpreter that has torch and torch_pruning in {PYTHON}"
_WORKER = Path(__file__).with_name("magnitude_pruner_worker.py")
_LONGEST_S = 600


class TorchPruningError(Exception):
    """It failed; the message is its last line."""


@dataclass(frozen=True, slots=True, eq=False)
class PrunedAnswers:
    """What one setting gave.

    Args:
        name: of the setting.
        ratio: of the channels that it could follow, removed.
        share: of the multiply-adds that stay.
        seconds: for the search of the ratio, and all that it pruned on the way.
        answers: the classes it gives, shape (N,).
    """

    name: str
    ratio: float
    share: float
    seconds: float
    answers: npt.NDArray[np.int64]


def find_torch_pruning() -> str | None:
    """The interpreter to run it with; None where there is none."""
    named = os.environ.get(PYTHON) or sys.executable
    if not os.environ.get(PYTHON):
        return named if importlib.util.find_spec("torch_pruning") is not None else None
    found = subprocess.run([named, "-c", "import torch_pruning"], capture_output=True, check=False, timeout=120)
    return named if found.returncode == 0 else None


def run_torch_pruning(
    python: str, checkpoint: Path, samples: npt.NDArray[np.float32], share: float
) -> tuple[npt.NDArray[np.int64], list[PrunedAnswers]]:
    """Prune until no more than a share of the multiply-adds is left, and answer.

    Args:
        python: an interpreter that has it.
        checkpoint: of ResNet-20.
        samples: made ready for the model, shape (N, 3, 32, 32).
        share: of the multiply-adds that may stay, 0…1.

    Returns:
        The whole model's answers, and those of each setting.

    Raises:
        TorchPruningError: it does not do this.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "samples.npy", samples)
        request = {"checkpoint": str(checkpoint), "share": share}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        done = subprocess.run(
            [python, str(_WORKER), name], cwd=folder, capture_output=True, text=True, check=False, timeout=_LONGEST_S
        )
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise TorchPruningError(lines[-1][:120] if lines else f"exit status {done.returncode}")
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        answers = np.load(folder / "answers.npy")
    title = f"Torch-Pruning {result['version']}, GroupMagnitude p=2"
    return answers[0], [
        PrunedAnswers(
            f"{title}, {'global' if setting['is_global'] else 'local'}",
            setting["ratio"], setting["share"], setting["seconds"], row,
        )
        for setting, row in zip(result["settings"], answers[1:], strict=True)
    ]  # fmt: skip
