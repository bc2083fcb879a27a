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

_ONLY_ERRORS = 3
# The first opsets with a scale per channel, and with four-bit integers.
_LEAST_OPSET = {8: 13, 4: 21}
# The first version of the format in which a stored tensor need not be an input too.
_CONSTANTS_IR = 4


def quantize_with_onnxruntime(case: Case, samples: Samples, folder: Path) -> list[Outcome]:
    """What it reaches with the same calibration samples; at 8 bits also with its reduced range."""
    if case.weight_bits not in _LEAST_OPSET:
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
    from onnxruntime import set_default_logger_severity
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # Its own sessions take no options, and warn of every tensor that they drop.
    set_default_logger_severity(_ONLY_ERRORS)
    prepared = target.with_suffix(".prepared.onnx")
    # Symbolic shapes would need sympy; the shapes of these models are inferred without.
    onnx.save(_made_ready(onnx.load(model), _LEAST_OPSET[weight_bits]), prepared)
    quant_pre_process(str(prepared), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(target),
        _reader(batches),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        reduce_range=reduce_range,
        weight_type=QuantType.QInt8 if weight_bits == 8 else QuantType.QInt4,
        activation_type=QuantType.QUInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def _made_ready(model: onnx.ModelProto, least_opset: int) -> onnx.ModelProto:
    """The model at an opset that can say the result, with stored tensors that are no inputs, which would not fold."""
    stored = {tensor.name for tensor in model.graph.initializer}
    for value in [value for value in model.graph.input if value.name in stored]:
        model.graph.input.remove(value)
    model.ir_version = max(model.ir_version, _CONSTANTS_IR)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return model if opset >= least_opset else onnx.version_converter.convert_version(model, least_opset)


def _reader(batches: Iterator[Feeds]) -> object:
    """The batches, as the quantizer wants to be handed them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def get_next(self) -> Feeds | None:
            return next(batches, None)

    return Reader()
