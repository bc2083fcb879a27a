"""An estimated latency: the whole with its band, and where the time goes."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.engine.core.measurement import Figure

# So far apart must the estimates in float and int8 be for one of them to be called faster. Of 108 networks on phones
# whose families were left out, and that differ by over a tenth, 90 are called by it, and 91 % of those rightly; of the
# others one in four is (tests/benchmarks/bench_latency.py).
CALLED = 1.1
START_OF_RUN = "Start of the run"


class Bound(StrEnum):
    """What most of a layer's time goes into."""

    COMPUTE = "compute"
    MEMORY = "memory"
    OVERHEAD = "overhead"


@dataclass(frozen=True, slots=True)
class LayerLatency:
    """One layer, or an operator without weights; or what a run takes once, which is no layer's.

    Args:
        name: of the layer, or of the operator's first output; START_OF_RUN.
        op_type: of the ONNX node; empty for the start.
        ms: estimated.
        share: of the whole, 0…1.
        bound_by: what most of the time goes into.
        float_ms, int8_ms: in either precision; None where the device's profile knows nothing of it.
        is_int8: whether it computes on integers as it is.
    """

    name: str
    op_type: str
    ms: float
    share: float
    bound_by: Bound
    float_ms: float | None = None
    int8_ms: float | None = None
    is_int8: bool = False

    @property
    def is_start(self) -> bool:
        """Whether this is what a run takes once: starting, and moving what goes in and comes out."""
        return self.name == START_OF_RUN and not self.op_type

    @property
    def int8_speedup(self) -> float | None:
        """Float's time over int8's; 1 where the estimates are too close to tell, None where one is not known."""
        if not self.float_ms or not self.int8_ms:
            return None
        speedup = self.float_ms / self.int8_ms
        return 1.0 if 1 / CALLED < speedup < CALLED else speedup

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints for a layer."""
        return {
            "name": self.name,
            "op_type": self.op_type,
            "ms": self.ms,
            "share": self.share,
            "bound_by": str(self.bound_by),
            "float_ms": self.float_ms,
            "int8_ms": self.int8_ms,
            "is_int8": self.is_int8,
        }


@dataclass(frozen=True, slots=True)
class LatencyEstimate:
    """What a model takes on a device.

    Args:
        device: id of the profile.
        figure: in ms with the band that holds four of five measurements; None where there is none, as the notes say.
        layers: in the order of running, what a run takes once before them; they add up to the figure.
        notes: what it rests on, and what it leaves out.
        is_rough: whether the band is too wide to decide by.
    """

    device: str
    figure: Figure | None
    layers: tuple[LayerLatency, ...] = ()
    notes: tuple[str, ...] = ()
    is_rough: bool = False
