"""Where the time of one inference goes on this computer: measured by operator, beside what was estimated."""

from dataclasses import dataclass

from workbench.engine.core.measurement import Figure


@dataclass(frozen=True, slots=True)
class OperatorTime:
    """One operator as onnxruntime ran it here.

    Args:
        name: of the layer, or of the operator's first output.
        op_type: of the ONNX node.
        measured: ms; None where onnxruntime computes it together with another, which then has the time.
        estimated_ms: by the same costs as on other devices; None where they say nothing.
    """

    name: str
    op_type: str
    measured: Figure | None
    estimated_ms: float | None = None

    def to_json(self, whole_ms: float) -> dict[str, object]:
        """The object that `--json` prints for an operator.

        Args:
            whole_ms: sum of all operators' measured times.
        """
        ms = self.measured.value if self.measured is not None else 0.0
        return {
            "name": self.name,
            "op_type": self.op_type,
            "ms": ms,
            "low": self.measured.low if self.measured is not None else None,
            "high": self.measured.high if self.measured is not None else None,
            "share": ms / whole_ms if whole_ms else 0.0,
            "bound_by": None,
            "estimated_ms": self.estimated_ms,
        }


@dataclass(frozen=True, slots=True)
class OperatorTimes:
    """What the operators of a model take on this computer at batch 1.

    Args:
        device: the processor's name.
        whole: p50 of one inference without the profiler, in ms.
        operators: in the order of the graph.
        other_ms: of steps that belong to no operator of the model, such as changes of the layout.
        notes: what has to be said of the figures.
        recipe_digest: of the recipe that was timed; "" where nobody said.
    """

    device: str
    whole: Figure
    operators: tuple[OperatorTime, ...]
    other_ms: float = 0.0
    notes: tuple[str, ...] = ()
    recipe_digest: str = ""

    @property
    def sum_ms(self) -> float:
        """Of all operators and what belongs to none."""
        return self.other_ms + sum(one.measured.value for one in self.operators if one.measured is not None)

    @property
    def misplaced(self) -> float | None:
        """Share of the time, 0…1, that the estimate puts at other operators than where it went; None without one.

        Half the sum of the differences of both shares: 0 where all agree, 1 where none does. Operators that run
        together with others are left out, as is what belongs to none.
        """
        both = [
            (one.measured.value, one.estimated_ms)
            for one in self.operators
            if one.measured is not None and one.estimated_ms is not None
        ]
        measured, estimated = (sum(values) for values in zip(*both, strict=True)) if both else (0.0, 0.0)
        if not measured or not estimated:
            return None
        return sum(abs(one / measured - other / estimated) for one, other in both) / 2
