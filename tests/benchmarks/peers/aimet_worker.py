"""AIMET in a process of its own, since it needs torch: quantizes one model and runs it on samples.

Run as a script: `python aimet_worker.py FOLDER`. The folder holds `request.json`, `calibration.npy` and `samples.npy`,
the model's first input; it gets `outputs.npz`, the quantized model's outputs by name, and `result.json`.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx

_ACTIVATION_BITS = 8
_ADAROUND_ITERATIONS = 500
_CALIBRATION_BATCH = 64
_BATCH = 50


def main(folder: Path) -> None:
    """Do what the folder's request says."""
    # These weigh seconds, and are there in the peers' environment alone.
    import aimet_onnx
    from aimet_onnx.batch_norm_fold import fold_all_batch_norms_to_weight

    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    calibration = np.load(folder / "calibration.npy")
    model = onnx.load(request["model"])
    stored = {tensor.name for tensor in model.graph.initializer}
    name = next(value.name for value in model.graph.input if value.name not in stored)
    size = request["batch"]

    start = time.perf_counter()
    batches = [{name: part} for part in _parts(calibration, size or _CALIBRATION_BATCH)]
    fold_all_batch_norms_to_weight(model)
    sim = aimet_onnx.QuantizationSimModel(
        model,
        param_type=aimet_onnx.qtype.int(request["bits"]),
        activation_type=aimet_onnx.qtype.int(_ACTIVATION_BITS),
        quant_scheme="min_max",
        config_file=str(_write_config(folder, per_channel=request["per_channel"])),
    )
    if request["method"] == "adaround":
        aimet_onnx.apply_adaround(sim, batches, num_iterations=_ADAROUND_ITERATIONS)
    elif request["method"] == "sequential_mse":
        aimet_onnx.apply_seq_mse(sim, batches)
    sim.compute_encodings(batches)
    seconds = time.perf_counter() - start

    samples = np.load(folder / "samples.npy", mmap_mode="r")
    found = [sim.session.run(None, {name: np.array(part)}) for part in _parts(samples, size or _BATCH)]
    names = [value.name for value in sim.session.get_outputs()]
    outputs = {key: np.concatenate(values) for key, values in zip(names, zip(*found, strict=True), strict=True)}
    np.savez(folder / "outputs.npz", **outputs)
    result = {"seconds": seconds, "bytes": _file_bytes(sim), "version": aimet_onnx.__version__}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def _parts(array: np.ndarray, size: int) -> list[np.ndarray]:
    return [array[start : start + size] for start in range(0, len(array), size)]


def _write_config(folder: Path, *, per_channel: bool) -> Path:
    """AIMET's default settings, with symmetric weights, and a scale per channel where asked."""
    import aimet_onnx

    default = Path(aimet_onnx.__file__).parent / "common" / "quantsim_config" / "default_config.json"
    config = json.loads(default.read_text(encoding="utf-8"))
    config["defaults"]["per_channel_quantization"] = str(per_channel)
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def _file_bytes(sim: object) -> int | None:
    """Size of the exported file; None at widths that it cannot write."""
    try:
        return int(sim.to_onnx_qdq(prequantize_constants=True).ByteSize())
    except RuntimeError:
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
