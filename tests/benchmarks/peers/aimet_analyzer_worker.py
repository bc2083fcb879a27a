"""AIMET's analyzer in a process of its own: each layer's quantizers enabled alone, accuracy measured for each.

Run as a script: `python aimet_analyzer_worker.py FOLDER`. The folder holds `request.json` and `samples.npy`, the
model's first input; it gets `result.json`.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx

_BATCH = 50
_CALIBRATION_SAMPLES = 512


def main(folder: Path) -> None:
    """Do what the folder's request says."""
    # These weigh seconds, and are there in the peers' environment alone.
    import aimet_onnx
    from aimet_onnx.batch_norm_fold import fold_all_batch_norms_to_weight
    from aimet_onnx.quant_analyzer import QuantAnalyzer

    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    samples = np.load(folder / "samples.npy")
    model = onnx.load(request["model"])
    stored = {tensor.name for tensor in model.graph.initializer}
    name = next(value.name for value in model.graph.input if value.name not in stored)
    batches = [{name: samples[start : start + _BATCH]} for start in range(0, len(samples), _BATCH)]
    fold_all_batch_norms_to_weight(model)

    def run(session: object) -> None:
        for feeds in batches[: _CALIBRATION_SAMPLES // _BATCH]:
            session.run(None, feeds)

    def score(session: object) -> float:
        # What is run is what costs; the mean stands for any score of the outputs.
        return float(np.mean([session.run(None, feeds)[0].max(axis=1).mean() for feeds in batches]))

    sim = aimet_onnx.QuantizationSimModel(
        model, param_type=aimet_onnx.qtype.int(8), activation_type=aimet_onnx.qtype.int(8), quant_scheme="min_max"
    )
    sim.compute_encodings(batches[: _CALIBRATION_SAMPLES // _BATCH])
    analyzer = QuantAnalyzer(model, batches[0], run, score)
    start = time.perf_counter()
    found = analyzer.perform_per_layer_analysis_by_enabling_quantizers(sim, str(folder))
    seconds = time.perf_counter() - start
    (folder / "result.json").write_text(json.dumps({"seconds": seconds, "cells": len(found)}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
