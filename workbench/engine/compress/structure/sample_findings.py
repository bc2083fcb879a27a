"""What a criterion wants to know of samples, found in one pass, or in as many as gradients take."""

from collections.abc import Sequence
from contextlib import closing

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.structure.criterion import Criterion, Needs, SampleFindings
from workbench.engine.compress.structure.gate_gradients import gate_gradients
from workbench.engine.compress.structure.group_parts import outputs_of
from workbench.engine.core.channel_activity import ChannelActivity
from workbench.engine.core.errors import DataError
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.graph.channels.flow import Flow
from workbench.engine.graph.channels.unit_groups import UnitGroup
from workbench.engine.runtime.activity_taps import ActivityTaps
from workbench.jobs import JobContext


def find_in_samples(
    criterion: Criterion,
    groups: Sequence[UnitGroup],
    flow: Flow,
    samples: CalibrationSet | None,
    ctx: JobContext,
    *,
    seed: int = 0,
) -> SampleFindings:
    """What the criterion needs to judge these groups; nothing is run for one that needs weights alone.

    Args:
        criterion: see there.
        groups: of the flow.
        flow: of a complete float model.
        samples: which samples; None if there are none.
        ctx: asked before each batch; told the progress.
        seed: for criteria that draw at random.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: the criterion needs samples, and there are none, or one cannot be read.
        RunError: the model does not run on the samples.
    """
    if criterion.needs is Needs.WEIGHTS:
        return SampleFindings(seed=seed)
    if samples is None:
        raise DataError(f"criterion {criterion.name} needs samples, and none are given", "open data first")
    if criterion.needs is Needs.GRADIENTS:
        found = gate_gradients(flow, groups, samples, ctx)
        return SampleFindings(gradients=found.by_unit, ungated=found.ungated, seed=seed)
    return SampleFindings(activity=_activity(groups, flow, samples, ctx), seed=seed)


def _activity(
    groups: Sequence[UnitGroup], flow: Flow, samples: CalibrationSet, ctx: JobContext
) -> dict[str, ChannelActivity]:
    tensors = {
        name: (len(flow.shape(name)), axis)
        for group in groups
        if len(group.units)
        for name, (axis, _) in outputs_of(group, flow).items()
    }
    if not tensors:
        return {}
    taps = ActivityTaps(flow.proto, tensors)
    order = samples.indices
    done = 0
    with closing(sample_batches(samples.dataset, order, ctx)) as batches:
        for indices, feeds in batches:
            taps.add(feeds, len(indices), ctx)
            done += len(indices)
            ctx.progress(done, len(order), f"activity of channels, {done} of {len(order)} samples")
    return taps.activity()
