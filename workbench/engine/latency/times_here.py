"""What each operator takes on this computer, beside what the costs of devices say of it."""

import psutil

from workbench.engine.core.device_profile import Backend, Basis, DeviceProfile
from workbench.engine.core.operator_times import OperatorTime, OperatorTimes
from workbench.engine.graph.model import Model
from workbench.engine.graph.save import serialize
from workbench.engine.latency.calibrate import described
from workbench.engine.latency.device_library import BackendKnowledge
from workbench.engine.latency.estimate import estimate, model_features
from workbench.engine.latency.onnx_operators import ModelOperators, model_operators
from workbench.engine.latency.profiled_operators import named_by_outputs, times_of_operators
from workbench.engine.latency.traits import RunDescription, traits_of
from workbench.engine.runtime.cpu_name import cpu_name
from workbench.engine.runtime.latency import measure_latency
from workbench.engine.runtime.profiled_nodes import profile_nodes
from workbench.jobs import JobContext

_WHOLE_S = 1.5
_FITTED = (
    "the estimate is of a processor like this one, by what phones with other runtimes taught, scaled to the time of "
    "all operators: only how it is shared out can be right or wrong"
)
_WITH_PROFILER = "operators are timed by onnxruntime's profiler, which takes a little time of its own for each"
_MOSTLY = ": here that is most of it, as the operators take so little; shares say hardly where time goes"
_FAR_MORE = 1.5


def measure_operators(model: Model, knowledge: BackendKnowledge, ctx: JobContext) -> OperatorTimes:
    """Times of a model's operators in single inferences on random inputs of one sample.

    Args:
        model: as it runs.
        knowledge: what CPUs taught.
        ctx: asked all the time; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        ModelError: the model is larger than 2 GiB.
        RunError: it does not run.
    """
    proto = model.to_proto()
    whole = measure_latency(serialize(proto), ctx.part(0, 0.5), max_seconds=_WHOLE_S).p50
    operators = model_operators(model)
    nodes = profile_nodes(serialize(named_by_outputs(proto)), ctx.part(0.5, 1, "timing operators"))
    measured, other_ms = times_of_operators(model.proto.graph, operators, nodes)
    estimated = _estimated(operators, sum(figure.value for figure in measured.values()), knowledge)
    sum_ms = other_ms + sum(figure.value for figure in measured.values())
    with_profiler = _WITH_PROFILER + (_MOSTLY if sum_ms > _FAR_MORE * whole.value else "")
    return OperatorTimes(
        cpu_name(),
        whole,
        tuple(
            OperatorTime(one.name, one.op_type, measured.get(one.name), estimated.get(one.name))
            for one in operators.operators
        ),
        other_ms,
        (with_profiler, *((_FITTED,) if estimated else ())),
    )


def _estimated(model: ModelOperators, whole_ms: float, knowledge: BackendKnowledge) -> dict[str, float]:
    """Ms by operators' names; none for a model without any."""
    if not model.operators:
        return {}
    run = RunDescription(Backend.CPU, cpu_name(), "onnxruntime", threads=psutil.cpu_count(logical=False) or 1)
    base = DeviceProfile(
        id="this-computer",
        name="this computer",
        soc="",
        core=run.core,
        runtime=run.runtime,
        version="",
        backend=run.backend,
        threads=run.threads,
        precision="float and int8",
        costs={},
        basis=Basis.DESCRIPTION,
    )
    profile = described(base, knowledge.prior, [], traits_of(run))
    found = estimate(model_features(model, profile.backend, profile.runtime), profile, knowledge)
    return {layer.name: layer.share * whole_ms for layer in found.layers}
