"""Everything that a worker needs to measure cells of one scan, as plain values that can be sent to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.layer import TensorInfo
from workbench.engine.core.reports import Preprocessing
from workbench.engine.core.sensitivity import ScanAxes
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.model import load_model, model_of_bytes
from workbench.engine.runtime.session import Feeds
from workbench.engine.search.scan.scan_bench import ScanBench


@dataclass(frozen=True, slots=True, eq=False)
class SamplesAt:
    """Samples that lie where the worker can read them.

    Args:
        path: of the data set.
        preprocessing: all settled.
        batches: indices of the samples of each batch.
    """

    path: str
    preprocessing: Preprocessing
    batches: tuple[npt.NDArray[np.int64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScanSource:
    """What is sent to a worker, once.

    Args:
        token: tells one source from others.
        model: its file, or the bytes of the whole model for a worker that cannot read the file.
        axes: what is tried.
        swappable: layers whose weights can be swapped while the model is open.
        samples: where they lie, or the model's inputs of each batch.
        classes: the right ones of each batch, each of shape (N,); none where nothing says.
    """

    token: str
    model: Path | bytes
    axes: ScanAxes
    swappable: tuple[str, ...]
    samples: SamplesAt | tuple[Feeds, ...]
    classes: tuple[npt.NDArray[np.int64] | None, ...]

    def bench(self) -> ScanBench:
        """A bench of the worker's own, whose operators each run on one core.

        Raises:
            DataError: the samples cannot be read there.
            ModelError: the model cannot be read there.
            RunError: onnxruntime does not open the model.
        """
        at = self.model
        compressor = Compressor(load_model(at) if isinstance(at, Path) else model_of_bytes(at, Path("model.onnx")))
        batch = self._batch(compressor.model.info.inputs)
        return ScanBench(compressor, self.axes, self.swappable, batch, self.classes.__getitem__, threads=1)

    def _batch(self, inputs: Sequence[TensorInfo]) -> Callable[[int], Feeds]:
        samples = self.samples
        if not isinstance(samples, SamplesAt):
            return samples.__getitem__
        dataset = open_dataset(Path(samples.path), samples.preprocessing, inputs)
        return lambda number: dataset.batch(samples.batches[number])
