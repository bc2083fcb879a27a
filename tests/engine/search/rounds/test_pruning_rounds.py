"""When rounds end, and what each one removes: on a model of a hundred channels whose figures are plain arithmetic."""

from dataclasses import dataclass, field

import pytest

from workbench.engine.core.errors import RecipeError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.pruning_round import Measure, ModelSize, PruningTarget, StopReason
from workbench.engine.core.recipe import Prune, Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.search.rounds.pruning_rounds import prune_rounds
from workbench.jobs import Cancelled, JobContext

_ASKED = Recipe().with_rule("*", prune=Prune("filters", ratio=0.5))


@dataclass
class _Hundred:
    """A hundred channels of ten multiply-adds and two parameters; each that goes costs a tenth of a point.

    Args:
        least: how many stay whatever is asked.
        header: bytes of the file that no estimate foresees.
    """

    least: int = 1
    header: int = 0
    evaluated: list[float] = field(default_factory=list)

    def _left(self, recipe: Recipe) -> int:
        prune = recipe.rules[0].prune
        assert prune is not None
        return max(self.least, 100 - round(100 * (prune.ratio or 0)))

    def estimate(self, recipe: Recipe, ctx: JobContext) -> ModelSize:
        ctx.checkpoint()
        left = self._left(recipe)
        return ModelSize(10 * left, 2 * left, 8 * left)

    def build(self, recipe: Recipe, ctx: JobContext) -> ModelSize:
        size = self.estimate(recipe, ctx)
        return ModelSize(size.macs, size.num_params, size.file_bytes + self.header)

    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        ctx.checkpoint()
        lost = (100 - self._left(recipe)) / 1000
        self.evaluated.append(lost)
        figure = Figure(0.9 - lost, "fraction", Origin.MEASURED, n=100)
        difference = Figure(-lost, "fraction", Origin.MEASURED, -lost - 0.05, -lost + 0.05, 100)
        return EvaluationReport("top1", figure, 100, 100, 1.0, difference=difference)

    def recovered_by(self, recipe: Recipe, ctx: JobContext) -> str:
        del recipe, ctx
        return ""


def test_each_round_removes_a_step_more_until_the_target():
    bench = _Hundred()

    found = list(prune_rounds(_ASKED, PruningTarget(Measure.MACS, 0.45), bench, JobContext(), max_drop=None, step=0.2))

    assert [item.size.macs for item in found] == [800, 600, 550]
    assert [item.number for item in found] == [1, 2, 3]
    assert [item.stop for item in found] == [None, None, StopReason.TARGET]
    assert [item.recipe.rules[0].prune.ratio for item in found if item.recipe.rules[0].prune] == pytest.approx(
        [0.2, 0.4, 0.45], abs=0.006
    )


def test_the_round_that_loses_too_much_is_the_last_and_is_kept():
    # One tenth of a point a channel: 20 channels are 2 points, 40 are 4.
    target = PruningTarget(Measure.MACS, 0.9)

    found = list(prune_rounds(_ASKED, target, _Hundred(), JobContext(), max_drop=3, step=0.2))

    assert [item.drop for item in found] == pytest.approx([2, 4])
    assert [item.is_allowed for item in found] == [True, False]
    assert found[-1].stop is StopReason.DROP


def test_the_point_estimate_decides_and_not_the_end_of_its_interval():
    # Exactly 2 points, though the interval goes to 7.
    target = PruningTarget(Measure.MACS, 0.2)

    found = list(prune_rounds(_ASKED, target, _Hundred(), JobContext(), max_drop=2, step=0.2))

    assert [item.stop for item in found] == [StopReason.TARGET]


def test_where_no_more_can_go_the_rounds_end_and_say_so():
    target = PruningTarget(Measure.PARAMS, 0.9)

    found = list(prune_rounds(_ASKED, target, _Hundred(least=70), JobContext(), max_drop=None, step=0.2))

    assert [item.size.num_params for item in found] == [160, 140]
    assert found[-1].stop is StopReason.EXHAUSTED


def test_bytes_that_no_estimate_foresaw_are_made_up_for_before_anything_is_measured():
    bench = _Hundred(header=100)

    found = list(prune_rounds(_ASKED, PruningTarget(Measure.BYTES, 500), bench, JobContext(), max_drop=None, step=0.3))

    assert found[-1].size.file_bytes <= 500
    assert found[-1].size.file_bytes > 500 - 4 * 8
    assert found[-1].stop is StopReason.TARGET
    assert len(bench.evaluated) == len(found)


def test_a_step_that_a_round_jumped_over_is_no_round_of_its_own():
    @dataclass
    class Halves(_Hundred):
        def _left(self, recipe: Recipe) -> int:
            return 100 if super()._left(recipe) > 90 else 50 if super()._left(recipe) > 40 else 20

    found = list(
        prune_rounds(_ASKED, PruningTarget(Measure.MACS, 0.7), Halves(), JobContext(), max_drop=None, step=0.1)
    )

    assert [item.size.macs for item in found] == [500, 200]


def test_what_was_measured_before_it_was_cancelled_is_there():
    ctx = JobContext()
    rounds = prune_rounds(_ASKED, PruningTarget(Measure.MACS, 0.9), _Hundred(), ctx, max_drop=None, step=0.1)
    found = [next(rounds), next(rounds)]
    ctx.cancel()

    with pytest.raises(Cancelled):
        next(rounds)

    assert [item.size.macs for item in found] == [900, 800]


@pytest.mark.parametrize(
    ("target", "bench", "message"),
    [
        pytest.param(PruningTarget(Measure.MACS, 1.5), _Hundred(), "a target of 1.5 is none", id="no share"),
        pytest.param(PruningTarget(Measure.BYTES, 900), _Hundred(), "800 bytes before any channel goes", id="small"),
        pytest.param(PruningTarget(Measure.MACS, 0.5), _Hundred(least=100), "no channel can go", id="nothing goes"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_before_anything_is_measured(
    target: PruningTarget, bench: _Hundred, message: str
):
    with pytest.raises(RecipeError, match=message):
        next(prune_rounds(_ASKED, target, bench, JobContext(), max_drop=None, step=0.1))

    assert bench.evaluated == []
