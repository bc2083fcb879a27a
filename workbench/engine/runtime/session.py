"""One model open in onnxruntime, run batch by batch, and stopped when asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import psutil

from workbench.engine.core.errors import RunError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.graph.file_kind import check_file_kind
from workbench.jobs import Cancelled, JobContext

_ONLY_ERRORS, _ONLY_FATAL = 3, 4
Feeds = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class FedWith:
    """What a model is run on, for the message where it fails, and what to do then."""

    what: str
    hint: str


THESE_SAMPLES = FedWith("these samples", "check shapes and layout")


class RuntimeSession:
    """A model open on the CPU.

    Args:
        model: the file's bytes or its path.
        threads: for one operator; the number of physical cores if not given.
        spinning: whether threads wait busily. Off, so that a window on the same cores stays smooth; on for
            timing.
        in_float: compute quantized graphs in float as they are written. Otherwise onnxruntime makes integer kernels
            of them, and quantizes even float weights that stand beside quantized activations.
        fused_path: where onnxruntime writes the graph with these kernels: that of x86, in which activations are
            unsigned, before tensors are laid out for one processor.
        profile_prefix: where onnxruntime writes the times of nodes, until `end_profiling`.

    Raises:
        ModelError: there is no such file, or it is plainly no ONNX model.
        RunError: onnxruntime does not open the model.
    """

    def __init__(
        self,
        model: bytes | Path,
        *,
        threads: int | None = None,
        spinning: bool = False,
        in_float: bool = False,
        fused_path: Path | None = None,
        profile_prefix: Path | None = None,
    ) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or psutil.cpu_count(logical=False) or 1
        options.log_severity_level = _ONLY_ERRORS
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
        if in_float:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        if fused_path is not None:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
            options.add_session_config_entry("session.qdqisint8allowed", "0")
            options.optimized_model_filepath = str(fused_path)
        if profile_prefix is not None:
            options.enable_profiling = True
            # A model that does not open is raised; that there is no profile of it would be printed besides.
            options.log_severity_level = _ONLY_FATAL
            options.profile_file_prefix = str(profile_prefix)
        if isinstance(model, Path):
            check_file_kind(model)
        source = str(model) if isinstance(model, Path) else model
        what = str(model) if isinstance(model, Path) else "the model"
        try:
            self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise RunError(f"onnxruntime does not open {what}: {_reason(error)}", "check the model") from error
        self.inputs = tuple(_info(value) for value in self._session.get_inputs())
        self.outputs = tuple(_info(value) for value in self._session.get_outputs())

    @property
    def batch_size(self) -> int | None:
        """The model's fixed batch size; None if any will do."""
        sizes = [info.shape[0] for info in self.inputs if info.shape]
        return sizes[0] if sizes and isinstance(sizes[0], int) else None

    def end_profiling(self) -> Path:
        """The file with the times of all runs so far; nothing is recorded after."""
        return Path(self._session.end_profiling())

    def run(
        self, feeds: Feeds, ctx: JobContext | None = None, *, fed: FedWith = THESE_SAMPLES
    ) -> list[npt.NDArray[np.generic]]:
        """The outputs for one batch. Stops between operators when the context is cancelled.

        Args:
            feeds: arrays by input name.
            ctx: stops the run when it is cancelled.
            fed: what the feeds are, for messages.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: onnxruntime failed; the message names the operator.
        """
        options = ort.RunOptions()
        # What goes wrong is raised; it would stand on standard error besides, as a stop that was asked for.
        options.log_severity_level = _ONLY_FATAL
        remove = ctx.call_on_cancel(lambda: setattr(options, "terminate", True)) if ctx is not None else None
        try:
            outputs: list[npt.NDArray[np.generic]] = self._session.run(None, dict(feeds), options)
        except Exception as error:
            if ctx is not None and ctx.is_cancelled:
                raise Cancelled from error
            raise RunError(f"the model fails on {fed.what}: {_reason(error)}", fed.hint) from error
        finally:
            if remove is not None:
                remove()
        return outputs

    def run_samples(self, feeds: Feeds, count: int, ctx: JobContext | None = None) -> list[npt.NDArray[np.generic]]:
        """The outputs for any number of samples, first axis by sample.

        A fixed batch size is honoured: samples are cut into such batches, the last one filled up with its
        last sample. Where names of inputs differ, arrays are taken in their order.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: onnxruntime failed, or the model has another number of inputs.
        """
        named = self._named(feeds)
        size = self.batch_size or count
        if size == count:
            outputs = self.run(named, ctx)
            return [output[None] if count == 1 and not output.ndim else output for output in outputs]
        pieces = []
        for start in range(0, count, size):
            kept = min(size, count - start)
            places = np.minimum(np.arange(start, start + size), count - 1)
            outputs = self.run({name: array[places] for name, array in named.items()}, ctx)
            # An output without a batch axis, from a model of one sample, gets one.
            pieces.append([output[:kept] if len(output.shape) and len(output) == size else output[None]
                           for output in outputs])  # fmt: skip
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

    def _named(self, feeds: Feeds) -> dict[str, npt.NDArray[np.generic]]:
        names = [info.name for info in self.inputs]
        if len(names) != len(feeds):
            raise RunError(f"the model takes {len(names)} inputs, the samples have {len(feeds)}", "choose other data")
        if set(names) == set(feeds):
            return dict(feeds)
        return dict(zip(names, feeds.values(), strict=True))


def _reason(error: Exception) -> str:
    """The part of onnxruntime's message that helps, on one line."""
    text = " ".join(str(error).split())
    return text.rsplit("] : ", 1)[-1][:240]


def _info(value: ort.NodeArg) -> TensorInfo:
    shape = tuple(dim if isinstance(dim, int) else (dim or "?") for dim in value.shape)
    return TensorInfo(value.name, value.type.removeprefix("tensor(").removesuffix(")"), shape)
