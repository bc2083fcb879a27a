"""ONNX Runtime's own `quantize_static`, as its documentation says to use it: preprocess, calibrate, write Q/DQ."""

import time
from collections.abc import Iterator
from pathlib import Path

import onnx

from tests.benchmarks.peers.case import Case, Feeds, Samples
from tests.benchmarks.peers.outcome import Outcome, drop_of
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# The first opset with four-bit integers.
_INT4_OPSET = 21
_BITS = (4, 8)


def quantize_with_onnxruntime(case: Case, samples: Samples, folder: Path) -> list[Outcome]:
    """What it reaches with the same calibration samples; at 8 bits also with its reduced range."""
    if case.weight_bits not in _BITS:
        return [Outcome("onnxruntime", note="has no weights of that width")]
    outcomes = []
    reference = ReferenceAnswers(RuntimeSession(samples.model), samples.dataset)
    for reduced in (False, True) if case.weight_bits == 8 else (False,):
        tool = "onnxruntime, reduce_range" if reduced else "onnxruntime"
        path = folder / f"onnxruntime{reduced:d}.onnx"
        start = time.perf_counter()
        write_quantized(
            samples.model, path, samples.calibration_batches(),
            weight_bits=case.weight_bits, per_channel=case.per_channel, reduce_range=reduced,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        *_, report = evaluate(path, samples.dataset, JobContext(), reference=reference)
        outcomes.append(Outcome(tool, report.figure.value, drop_of(report.difference), seconds, path.stat().st_size))
    return outcomes


def write_quantized(
    model: Path,
    target: Path,
    batches: Iterator[Feeds],
    *,
    weight_bits: int = 8,
    per_channel: bool = True,
    reduce_range: bool = False,
) -> None:
    """Write a file with signed weights of 8 or 4 bits and unsigned 8-bit activations by min-max."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = target.with_suffix(".prepared.onnx")
    # Symbolic shapes would need sympy; the shapes of these models are inferred without.
    quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
    weight_type: QuantType = QuantType.QInt8
    if weight_bits == 4:
        weight_type = QuantType.QInt4
        onnx.save(onnx.version_converter.convert_version(onnx.load(prepared), _INT4_OPSET), prepared)
    quantize_static(
        str(prepared),
        str(target),
        _reader(batches),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        reduce_range=reduce_range,
        weight_type=weight_type,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def _reader(batches: Iterator[Feeds]) -> object:
    """The batches, as the quantizer wants to be handed them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def get_next(self) -> Feeds | None:
            return next(batches, None)

    return Reader()
