"""One model on which cells of a scan are measured, a batch of samples at a time: what a worker of a scan holds."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.sensitivity import ScanAxes, ScanSetting
from workbench.engine.evaluate.answers import Answers, answers_of, kl_divergence, same_answers, soft_drop
from workbench.engine.evaluate.judge import holds_logits, told_apart
from workbench.engine.runtime.session import Feeds, RuntimeSession
from workbench.engine.runtime.swapped_layers import SwappedLayers, Tensors
from workbench.jobs import JobContext

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]
# Inner tensors of one batch: larger batches leave the caches, and are no quicker.
_BATCH_BYTES, _LARGEST_BATCH = 96 << 20, 16
_OUTER_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class ScanTask:
    """Some settings of one layer, on some batches of samples.

    Args:
        layer: its name.
        settings: of its weights alone; or a single one of any kind, with the file that it gives.
        batches: their numbers.
        file: bytes of the compressed model; None where only the layer's weights are others.
    """

    layer: str
    settings: tuple[ScanSetting, ...]
    batches: tuple[int, ...]
    file: bytes | None = None


def _nothing() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class SeenCell:
    """What one setting did to the answers to one batch of N samples.

    Args:
        batch: its number.
        divergence: KL divergence of the classes, nats, shape (N,); None where the outputs are no classes.
        noise, signal: Σ(y − ŷ)² and Σy² of each output and sample, shape (outputs, N).
        best: the best classes, best first, shape (N, ≤ 5).
        agreement: how far each sample has the original's answer, 0…1, shape (N,).
        soft_drop: as the function of that name, −1…1, shape (N,); None where nothing says what is right.
        error: why there is nothing of all this, in one line.
    """

    setting: ScanSetting
    batch: int
    divergence: Floats | None = None
    noise: Floats = field(default_factory=_nothing)
    signal: Floats = field(default_factory=_nothing)
    best: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 1), np.int64))
    agreement: Floats = field(default_factory=_nothing)
    soft_drop: Floats | None = None
    error: str = ""


class ScanBench:
    """Measures tasks. May be used from several threads.

    Args:
        compressor: has the model.
        axes: how settings are laid on a layer.
        swappable: names of the layers whose weights can be swapped while the model is open.
        batch: gives the model's inputs for a batch, by its number.
        classes: gives the right classes of a batch, by its number, shape (N,); None where nothing says.
        threads: for one operator; the number of physical cores if not given.
    """

    def __init__(
        self,
        compressor: Compressor,
        axes: ScanAxes,
        swappable: Sequence[str],
        batch: Callable[[int], Feeds],
        classes: Callable[[int], npt.NDArray[np.int64] | None],
        *,
        threads: int | None = None,
    ) -> None:
        self._compressor, self._axes, self._threads = compressor, axes, threads
        self._batch, self._classes = batch, classes
        info, model = compressor.model.info, compressor.model
        self._names = tuple(swappable)
        dtypes = {name: model.weight_dtype(name) for name in swappable}
        layers = [info.layer(name) for name in swappable]
        self._model = SwappedLayers(model.to_proto(), layers, dtypes, threads=threads)
        self._plans: dict[ScanSetting, Plan] = {}
        self._has_logits = False
        self._lock, self._planning = threading.Lock(), threading.Lock()
        self._now: tuple[int, _Batch] | None = None
        self._outer: dict[int, _Batch] = {}
        self._outer_bytes = 0

    def largest_batch(self, sample: Feeds) -> int:
        """How many samples a batch may have, by the memory that their inner tensors take. Raises RunError."""
        size = self._model.batch_size or 1
        one = self._model.tensors({name: np.resize(array, (size, *array.shape[1:])) for name, array in sample.items()})
        each = sum(array.nbytes for array in one.values()) // size
        return max(1, min(_LARGEST_BATCH, _BATCH_BYTES // max(1, each)))

    def measure(self, task: ScanTask, ctx: JobContext) -> list[SeenCell]:
        """What each setting of the task does to each of its batches. One that fails gives its error.

        Raises:
            Cancelled: somebody asked to stop.
            RunError: the model itself does not run on the samples.
        """
        seen = []
        session = None if task.file is None else RuntimeSession(task.file, threads=self._threads)
        for number in task.batches:
            batch = self._of_batch(number, ctx, is_whole=session is not None)
            for setting in task.settings:
                ctx.checkpoint()
                try:
                    found = self._outputs(task.layer, setting, session, batch, ctx)
                except WorkbenchError as error:
                    seen.append(SeenCell(setting, number, error=str(error)))
                    continue
                seen.append(self._seen(setting, number, batch, found))
        return seen

    def plan(self, setting: ScanSetting) -> Plan:
        """All swappable layers at one setting of their weights; each entry holds for its layer alone, too."""
        with self._planning:
            if setting not in self._plans:
                asked = self._axes.laid_on(Recipe(), self._names, setting)
                self._plans[setting] = self._compressor.plan_of_layers(asked)
            return self._plans[setting]

    def _outputs(
        self, layer: str, setting: ScanSetting, file: RuntimeSession | None, batch: "_Batch", ctx: JobContext
    ) -> list[Array]:
        if file is not None:
            names = [info.name for info in file.inputs]
            pieces = [file.run({name: piece[name] for name in names}, ctx) for piece in batch.pieces]
        else:
            entry = self.plan(setting).layer(layer)
            assert entry is not None, f"{layer} at {setting.text} is asked of the wrong bench"
            weights = self._compressor.dense_weights(entry)
            pieces = [self._model.swapped(layer, weights, piece, ctx) for piece in batch.pieces]
        return _by_sample(pieces, batch.num_samples, self._model.batch_size)

    def _of_batch(self, number: int, ctx: JobContext, *, is_whole: bool) -> "_Batch":
        """The float model on a batch: the last one with its tensors; of all, what a whole model is compared with."""
        with self._lock:
            if is_whole and number in self._outer:
                return self._outer[number]
            if self._now is None or self._now[0] != number:
                self._now = number, self._run_batch(self._batch(number), ctx)
            if is_whole:
                self._keep_outer(number, self._now[1])
            return self._now[1]

    def _keep_outer(self, number: int, batch: "_Batch") -> None:
        """Keep what goes into the model and comes out of it, up to 256 MiB: the next file is run on it, too."""
        names = {info.name for info in self._compressor.model.info.inputs}
        pieces = tuple({name: piece[name] for name in piece if name in names} for piece in batch.pieces)
        size = sum(array.nbytes for piece in pieces for array in piece.values())
        size += sum(output.nbytes for output in batch.outputs)
        if self._outer_bytes + size <= _OUTER_BYTES:
            self._outer_bytes += size
            self._outer[number] = replace(batch, pieces=pieces)

    def _run_batch(self, feeds: Feeds, ctx: JobContext) -> "_Batch":
        count = len(next(iter(feeds.values())))
        size = self._model.batch_size or count
        pieces = []
        for start in range(0, count, size):
            # A fixed batch is filled up with its last sample.
            places = np.minimum(np.arange(start, start + size), count - 1)
            pieces.append(self._model.tensors({name: array[places] for name, array in feeds.items()}, ctx))
        outputs = _by_sample([self._model.outputs(piece) for piece in pieces], count, self._model.batch_size)
        self._has_logits = self._has_logits or holds_logits(outputs[0])
        signal = np.stack([_squares(np.asarray(one, np.float64)) for one in outputs])
        return _Batch(count, tuple(pieces), outputs, signal, self._answers(outputs[0]))

    def _answers(self, output: Array) -> Answers:
        return answers_of(told_apart(output, are_logits=self._has_logits))

    def _seen(self, setting: ScanSetting, number: int, batch: "_Batch", found: list[Array]) -> SeenCell:
        answers = self._answers(found[0])
        pairs = list(zip(batch.outputs, found, strict=True))
        noise = np.stack([_squares(np.subtract(one, other, dtype=np.float64)) for one, other in pairs])
        divergence = kl_divergence(batch.answers, answers)
        same = same_answers(answers, batch.answers)
        soft = soft_drop(batch.answers, answers, self._classes(number))
        return SeenCell(setting, number, divergence, noise, batch.signal, answers.best, same, soft)


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """What the float model makes of a batch, in pieces of its fixed batch size if it has one."""

    num_samples: int
    pieces: tuple[Tensors, ...]
    outputs: list[Array]
    signal: Floats
    answers: Answers


def _by_sample(pieces: Sequence[list[Array]], count: int, size: int | None) -> list[Array]:
    """The outputs of all pieces together, first axis by sample."""
    if size is None and len(pieces) == 1:
        return pieces[0]
    # An output without a batch axis, from a model of one sample, gets one.
    given = [[one if one.ndim and len(one) == size else one[None] for one in piece] for piece in pieces]
    return [np.concatenate(parts)[:count] for parts in zip(*given, strict=True)]


def _squares(values: Floats) -> Floats:
    """Σ v² of each sample, shape (N,)."""
    return np.asarray(np.square(values.reshape(len(values), -1)).sum(axis=1))
