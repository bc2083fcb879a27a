"""What the loss does when a unit is faded a little, by differences: no training framework is needed.

Cost: two passes of the model for each unit and sample, many in one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.structure.criterion import Scores
from workbench.engine.compress.structure.gated_graph import GatedGraph, gated_graph
from workbench.engine.compress.structure.sample_loss import class_scores, cross_entropy, divergence
from workbench.engine.core.errors import DataError, RunError
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# A power of two, so that 1 ± it are exact. The error of a central difference grows with its square, that of the
# float32 outputs with its inverse: at 1/64 both are under a thousandth of the derivative of a small network.
STEP = 2.0**-6
_BATCH = 64
_LARGEST_BATCH_BYTES = 8 << 20

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
    graph = gated_graph(flow, groups)
    skipped = set(graph.ungated)
    units = [int(unit) for group in groups for unit in group.units if int(group.units[0]) not in skipped]
    if not units:
        return GateGradients({}, dict(graph.ungated))
    measuring = _Measuring(graph, RuntimeSession(graph.proto.SerializeToString()), units, samples)
    order = samples.indices
    found = np.zeros((len(order), len(units)))
    for number, index in enumerate(order.tolist()):
        found[number] = measuring.of(int(index), ctx)
        ctx.progress(number + 1, len(order), f"gradients, {number + 1} of {len(order)} samples")
    by_unit = {unit: found[:, place] for place, unit in enumerate(units)}
    return GateGradients(by_unit, dict(graph.ungated))


@dataclass(eq=False)
class _Measuring:
    graph: GatedGraph
    session: RuntimeSession
    units: Sequence[int]
    samples: CalibrationSet

    def of(self, index: int, ctx: JobContext) -> Scores:
        """The gradient by each unit's gate on one sample, shape (units,)."""
        sample = self.samples.dataset.batch([index])
        # The first row is the model as it is.
        rows = [(0, 1.0), *((unit, 1 + sign * STEP) for unit in self.units for sign in (1, -1))]
        outputs = self._run(sample, rows, ctx)
        scores, label = class_scores(outputs), self._label(index)
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

    def _run(self, sample: Feeds, rows: Sequence[tuple[int, float]], ctx: JobContext) -> list[npt.NDArray[np.generic]]:
        """The outputs of one sample under each row of gates, in batches as the model takes them."""
        pieces = [
            [np.asarray(output)[:count] for output in outputs] for outputs, count in self._batches(sample, rows, ctx)
        ]
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

    def _batches(
        self, sample: Feeds, rows: Sequence[tuple[int, float]], ctx: JobContext
    ) -> Iterator[tuple[list[npt.NDArray[np.generic]], int]]:
        sample_bytes = sum(array.nbytes for array in sample.values())
        size = self.session.batch_size or max(1, min(_BATCH, _LARGEST_BATCH_BYTES // max(1, sample_bytes)))
        gates = {gate.name for gate in self.graph.gates}
        names = [info.name for info in self.session.inputs if info.name not in gates]
        for start in range(0, len(rows), size):
            ctx.checkpoint()
            part = rows[start : start + size]
            feeds = dict(zip(names, (np.repeat(array, size, axis=0) for array in sample.values()), strict=True))
            feeds |= {gate.name: gate.values(part, size) for gate in self.graph.gates}
            yield [_by_sample(output, size) for output in self.session.run(feeds, ctx)], len(part)


def _by_sample(output: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.generic]:
    """The output with one row a sample, where its first axis lists several rows of each, or none."""
    if output.shape[:1] == (size,):
        return output
    if output.size % size:
        raise RunError("the model's outputs have no row for each sample", "take a criterion without gradients")
    return output.reshape(size, -1)
