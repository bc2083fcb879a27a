"""What the loss does when a unit is faded a little, by differences: no training framework is needed.

Cost: for each unit and sample two passes of what lies behind the unit, many in one batch.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.structure.criterion import Scores
from workbench.engine.compress.structure.faded_tail import FadedTail, faded_tail, has_rows, tail_model
from workbench.engine.compress.structure.gated_graph import GatedGraph, gated_graph
from workbench.engine.compress.structure.sample_loss import class_scores, cross_entropy, divergence
from workbench.engine.core.errors import DataError, RunError
from workbench.engine.core.format import format_duration
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup
from workbench.engine.runtime.session import RuntimeSession
from workbench.engine.runtime.tapped import tapped_session
from workbench.jobs import JobContext

# A power of two, so that 1 ± it are exact. The error of a central difference grows with its square, that of the
# float32 outputs with its inverse: at 1/64 both are under a thousandth of the derivative of a small network.
STEP = 2.0**-6
_BATCH = 64
_LARGEST_BATCH_BYTES = 8 << 20
# Each tail holds its own weights.
_LARGEST_TAILS_BYTES = 1 << 30

Feeds = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True, eq=False)
class GateGradients:
    """What fading does.

    Args:
        by_unit: for each unit and sample ∂L/∂g, shape (samples,). Without labels its root mean square over the classes
            that the model itself predicts, which has no sign.
        ungated: why a group has none, by its first unit.
    """

    by_unit: dict[int, Scores]
    ungated: dict[int, str]


def gate_gradients(flow: Flow, groups: Sequence[UnitGroup], samples: CalibrationSet, ctx: JobContext) -> GateGradients:
    """The gradient of the loss by the gate of each unit, at g = 1.

    With labels and one row of class scores the loss is the cross entropy, and ∂L/∂g = (L(1+ε) − L(1−ε)) / 2ε. Without,
    it is the divergence from the model's own outputs; that is least at g = 1, so that its first derivative is zero
    and its second is taken: (D(1+ε) + D(1−ε)) / ε² tends to the mean of (∂ ln p / ∂g)² over the predicted classes.

    Args:
        flow: of a complete float model. In float16 differences this small drown in rounding.
        groups: of the flow.
        samples: which samples; labels are looked at where there are some.
        ctx: asked before each batch; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: a sample cannot be read, or its label is none of the model's classes.
        RunError: the model does not run on them.

    Source: Fisher information as second derivative of the KL divergence: Kullback 1959, chapter 2, section 6.
    """
    every = gated_graph(flow, groups)
    gated = [group for group in groups if len(group.units) and int(group.units[0]) not in every.ungated]
    if not gated:
        return GateGradients({}, dict(every.ungated))
    measuring = _Measuring(flow, gated, samples)
    order, start, done = samples.indices, time.perf_counter(), 0
    found: dict[int, list[float]] = {unit: [] for unit in measuring.units}
    total = len(order) * len(measuring.units)
    for number, index in enumerate(order.tolist()):
        text = f"gradients of {len(measuring.units):,} units, {number + 1} of {len(order)} samples"
        for units, gradients in measuring.of(int(index), ctx):
            for unit, gradient in zip(units, gradients.tolist(), strict=True):
                found[unit].append(gradient)
            done += len(units)
            left = (time.perf_counter() - start) * (total / done - 1)
            ctx.progress(done, total, f"{text}, about {format_duration(left)} left")
    by_unit = {unit: np.array(values) for unit, values in found.items()}
    return GateGradients(by_unit, dict(every.ungated))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A graph with the gates of some units, to be run on a sample or on what reaches them of it.

    Args:
        reads: what it takes of the front, in the order of its inputs; () where it takes the sample itself.
    """

    graph: GatedGraph
    session: RuntimeSession
    units: tuple[int, ...]
    reads: tuple[str, ...] = ()


@dataclass(eq=False)
class _Measuring:
    flow: Flow
    groups: Sequence[UnitGroup]
    samples: CalibrationSet
    units: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.units = _units(self.groups)
        graphs = [gated_graph(self.flow, [group]) for group in self.groups]
        tails = self._sure([faded_tail(graph) for graph in graphs])
        self._names = tuple(dict.fromkeys(name for tail in tails if tail is not None for name in tail.sources))
        self._front = tapped_session(self.flow.proto, self._names) if self._names else None
        self._parts, whole = [], []
        for group, graph, tail in zip(self.groups, graphs, tails, strict=True):
            if self._front is None or tail is None:
                whole.append(group)
                continue
            session = RuntimeSession(tail_model(graph, tail, self._front))
            self._parts.append(_Part(graph, session, _units([group]), tail.sources))
        if whole:
            graph = gated_graph(self.flow, whole)
            session = RuntimeSession(graph.proto.SerializeToString())
            self._parts.append(_Part(graph, session, _units(whole)))

    def _sure(self, tails: Sequence[FadedTail | None]) -> list[FadedTail | None]:
        """Those that can be run on what reaches them; none where they would hold too many copies of the weights."""
        names = dict.fromkeys(name for tail in tails if tail is not None for name in tail.sources)
        if not names or len(tails) * self.flow.proto.ByteSize() > _LARGEST_TAILS_BYTES:
            return [None] * len(tails)
        front = tapped_session(self.flow.proto, tuple(names))
        return [tail if tail is not None and has_rows(front, tail.sources) else None for tail in tails]

    def of(self, index: int, ctx: JobContext) -> Iterator[tuple[tuple[int, ...], Scores]]:
        """Units and the gradients by their gates on one sample, shape (units,), part by part."""
        sample = self.samples.dataset.batch([index])
        inner: Feeds = {}
        if self._front is not None:
            ctx.checkpoint()
            inner = dict(zip(self._names, self._front.run_samples(sample, 1, ctx), strict=True))
        for part in self._parts:
            feeds = {name: inner[name] for name in part.reads} if part.reads else sample
            yield part.units, self._gradients(part, feeds, self._label(index), index, ctx)

    def _gradients(self, part: _Part, feeds: Feeds, label: int | None, index: int, ctx: JobContext) -> Scores:
        # The first row is the model as it is.
        rows = [(0, 1.0), *((unit, 1 + sign * STEP) for unit in part.units for sign in (1, -1))]
        outputs = self._run(part, feeds, rows, ctx)
        scores = class_scores(outputs)
        if scores is not None and label is not None:
            if not 0 <= label < scores.shape[1]:
                raise DataError(f"sample {index} has label {label}, the model {scores.shape[1]} classes")
            above, below = cross_entropy(scores, label)[1:].reshape(-1, 2).T
            return np.asarray((above - below) / (2 * STEP))
        away = divergence([output[:1] for output in outputs], [output[1:] for output in outputs])
        # Rounding may leave a divergence just below zero.
        return np.asarray(np.sqrt(np.maximum(away.reshape(-1, 2).sum(axis=1), 0)) / STEP)

    def _label(self, index: int) -> int | None:
        dataset = self.samples.dataset
        labels = dataset.labels
        return None if labels is None else int(labels[index]) + dataset.info.preprocessing.labels_offset

    def _run(
        self, part: _Part, sample: Feeds, rows: Sequence[tuple[int, float]], ctx: JobContext
    ) -> list[npt.NDArray[np.generic]]:
        """The outputs of one sample under each row of gates, in batches as the model takes them."""
        pieces = [
            [np.asarray(output)[:count] for output in outputs]
            for outputs, count in self._batches(part, sample, rows, ctx)
        ]
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

    def _batches(
        self, part: _Part, sample: Feeds, rows: Sequence[tuple[int, float]], ctx: JobContext
    ) -> Iterator[tuple[list[npt.NDArray[np.generic]], int]]:
        sample_bytes = sum(array.nbytes for array in sample.values())
        fixed = part.session.batch_size
        most = fixed or max(1, min(_BATCH, _LARGEST_BATCH_BYTES // max(1, sample_bytes)))
        gates = {gate.name for gate in part.graph.gates}
        names = [info.name for info in part.session.inputs if info.name not in gates]
        for start in range(0, len(rows), most):
            ctx.checkpoint()
            faded = rows[start : start + most]
            size = fixed or len(faded)
            feeds = dict(zip(names, (np.repeat(array, size, axis=0) for array in sample.values()), strict=True))
            feeds |= {gate.name: gate.values(faded, size) for gate in part.graph.gates}
            yield [_by_sample(output, size) for output in part.session.run(feeds, ctx)], len(faded)


def _units(groups: Sequence[UnitGroup]) -> tuple[int, ...]:
    return tuple(int(unit) for group in groups for unit in group.units)


def _by_sample(output: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.generic]:
    """The output with one row a sample, where its first axis lists several rows of each, or none."""
    if output.shape[:1] == (size,):
        return output
    if output.size % size:
        raise RunError("the model's outputs have no row for each sample", "take a criterion without gradients")
    return output.reshape(size, -1)
