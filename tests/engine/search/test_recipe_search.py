"""How a search goes on from what it measures: on layers whose bytes and losses are plain arithmetic."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from workbench.engine.core.accuracy_prediction import AccuracyPrediction, DropCurve, PredictionSpread, SamplingError
from workbench.engine.core.errors import RunError
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import Lack, SearchBudgets
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import sensitivity_table
from workbench.engine.search.recipe_search import search_recipe
from workbench.engine.search.solving.search_space import BYTES, KL, SearchSpace
from workbench.jobs import Cancelled, JobContext, Progress

_LAYERS = ("a", "b", "c", "d")
_OPTIONS = (ScanSetting(), *(ScanSetting(weights=bits) for bits in (8, 6, 4, 3, 2)))
_BITS = np.array([32.0, 8, 6, 4, 3, 2])
_WEIGHTS = np.array([100.0, 200, 400, 800])
_HEADER = 50
_CURVE = DropCurve(0.8, 1.0, 1.0)


class _Times:
    """Layers of two milliseconds, of one on integers, and half a millisecond for all else."""

    def layers(self, gone: Mapping[str, int]) -> np.ndarray:
        return np.tile([2.0, 1.0], (4, 1))

    def rest(self, gone: Mapping[str, int]) -> float:
        return 0.5


def _space(*, rest_bytes: float = 0.0, with_latency: bool = False) -> SearchSpace:
    kl = np.array([0.4, 0.2, 0.2, 0.1])[:, None] * 4.0 ** (2 - _BITS)
    kl[:, 0] = 0.0
    counts = {KL: kl, BYTES: _WEIGHTS[:, None] * _BITS / 8}
    return SearchSpace(
        scan=SensitivityScan("m", "d", ScanAxes(weight_bits=(2, 3, 4, 6, 8), sparsities=()), _LAYERS, (), 64),
        base=Recipe(),
        kinds={},
        rows=tuple((layer,) for layer in _LAYERS),
        options=_OPTIONS,
        groups=(),
        ratios=(0.0,),
        layer_counts=counts,
        group_kl=np.zeros((0, 1)),
        macs=np.array([10.0, 20, 30, 40]),
        channels=None,
        rest_bytes=rest_bytes,
        times=_Times() if with_latency else None,
        on_integers=np.tile(_BITS <= 8, (4, 1)) if with_latency else None,
    )


def _prediction(space: SearchSpace, curve: DropCurve = _CURVE) -> AccuracyPrediction:
    return AccuracyPrediction(
        model_digest="m",
        dataset_digest="d",
        metric="top1",
        original=Figure(0.9, "fraction", Origin.MEASURED, n=1000),
        table=sensitivity_table(space.scan),
        curve=curve,
        spread=PredictionSpread(SamplingError(0.001, 0.000004), 2.0),
        mixes=(),
        num_samples=1000,
    )


@dataclass
class _Bench:
    """Files of a header and whole weights; what is lost follows a curve of its own.

    Args:
        curve: how much a recipe really loses at its sum of divergences.
        corrected: share of the loss that is left where biases are corrected.
        others: what any recipe gives on other samples; None where there are none.
        elsewhere: how much a recipe loses on other samples; the same as here if not given.
    """

    space: SearchSpace
    curve: DropCurve = _CURVE
    corrected: float = 1.0
    others: EvaluationReport | None = None
    elsewhere: DropCurve | None = None
    measured: list[Recipe] = field(default_factory=list)

    def _bits(self, recipe: Recipe) -> list[float]:
        found = [recipe.settings_for(layer, "Conv").weights for layer in _LAYERS]
        return [32.0 if one is None else float(one.bits) for one in found]

    def file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
        ctx.checkpoint()
        return _HEADER + math.ceil(float((_WEIGHTS * np.array(self._bits(recipe)) / 8).sum()))

    def confirm(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport | None:
        if self.elsewhere is not None:
            return _Bench(self.space, self.elsewhere).evaluate(recipe, ctx)
        return self.others

    def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
        ctx.checkpoint()
        self.measured.append(recipe)
        places = [int(np.flatnonzero(bits == _BITS)[0]) for bits in self._bits(recipe)]
        kl = float(self.space.layer_counts[KL][np.arange(4), places].sum())
        weights = [recipe.settings_for(layer, "Conv").weights for layer in _LAYERS]
        is_corrected = any(one is not None and one.bias_correction for one in weights)
        drop = self.curve.drop(kl) * (self.corrected if is_corrected else 1.0)
        return EvaluationReport(
            metric="top1",
            figure=Figure(0.9 - drop, "fraction", Origin.MEASURED, n=1000),
            done=1000,
            total=1000,
            seconds=1.0,
            recipe_digest=recipe.digest,
            reference=Figure(0.9, "fraction", Origin.MEASURED, n=1000),
            difference=Figure(-drop, "fraction", Origin.MEASURED, n=1000),
        )


def _found(budgets: SearchBudgets, bench: _Bench, curve: DropCurve = _CURVE, **more):
    *_, result = search_recipe(bench.space, _prediction(bench.space, curve), budgets, bench, JobContext(), **more)
    return result


def _latency(bench: _Bench, beside: Callable[[int], float]) -> Callable[[Recipe, JobContext], Figure]:
    """Wholes that take something beside the sum of what they have, by the number of layers on integers."""

    def estimated(recipe: Recipe, ctx: JobContext) -> Figure:
        on_integers = sum(bits <= 8 for bits in bench._bits(recipe))
        value = 0.5 + 8 - on_integers + beside(on_integers)
        return Figure(value, "ms", Origin.ESTIMATED, 0.8 * value, 1.25 * value)

    return estimated


def test_bytes_are_within_the_budget_though_the_header_was_not_foreseen():
    bench = _Bench(_space())

    result = _found(SearchBudgets(max_bytes=800), bench)

    assert result.is_final
    assert result.best.file_bytes == bench.file_bytes(result.best.recipe, JobContext()) <= 800
    assert result.best.measured.recipe_digest == result.best.recipe.digest


def test_no_other_recipe_within_the_bytes_loses_less():
    bench = _Bench(_space())

    result = _found(SearchBudgets(max_bytes=800), bench)

    kl, sizes = bench.space.layer_counts[KL], bench.space.layer_counts[BYTES]
    every = np.stack(np.meshgrid(*[np.arange(6)] * 4), axis=-1).reshape(-1, 4)
    total = sizes[np.arange(4), every].sum(axis=1) + _HEADER
    assert result.best.kl == pytest.approx(kl[np.arange(4), every].sum(axis=1)[total <= 800].min())


def test_bytes_out_of_reach_say_how_small_it_gets():
    result = _found(SearchBudgets(max_bytes=300), _Bench(_space()))

    # 1,500 weights of two bits and the header.
    assert result.best is None
    assert "425 bytes" in result.refusal


def test_the_smallest_file_within_the_allowed_drop():
    bench = _Bench(_space())

    result = _found(SearchBudgets(max_drop=2), bench)

    assert -100 * result.best.measured.difference.value <= 2
    kl, sizes = bench.space.layer_counts[KL], bench.space.layer_counts[BYTES]
    every = np.stack(np.meshgrid(*[np.arange(6)] * 4), axis=-1).reshape(-1, 4)
    drops = np.array([bench.curve.drop(one) for one in kl[np.arange(4), every].sum(axis=1)])
    smallest = (sizes[np.arange(4), every].sum(axis=1) + _HEADER)[drops <= 0.02].min()
    assert result.best.file_bytes <= 1.02 * smallest


def test_a_file_that_is_allowed_with_corrected_biases_alone_is_smaller():
    helped, not_helped = _Bench(_space(), corrected=0.3), _Bench(_space())

    with_biases, without = (_found(SearchBudgets(max_drop=2), bench).best for bench in (helped, not_helped))

    assert with_biases.recipe.settings_for("d", "Conv").weights.bias_correction
    assert -100 * with_biases.measured.difference.value <= 2
    assert with_biases.file_bytes < 0.95 * without.file_bytes


def test_the_smallest_file_is_not_given_up_for_a_larger_one_with_corrected_biases():
    class _HeavyBiases(_Bench):
        def file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
            weights = [recipe.settings_for(layer, "Conv").weights for layer in _LAYERS]
            is_corrected = any(one is not None and one.bias_correction for one in weights)
            return super().file_bytes(recipe, ctx) + (40 if is_corrected else 0)

    plain = _found(SearchBudgets(max_drop=2), _Bench(_space())).best
    # A little better, and larger.
    heavy = _found(SearchBudgets(max_drop=2), _HeavyBiases(_space(), corrected=0.97)).best

    assert heavy.file_bytes <= plain.file_bytes


@pytest.mark.parametrize(
    "budgets", [SearchBudgets(max_drop=0.5), SearchBudgets(max_drop=60), SearchBudgets(max_bytes=300, max_drop=60)]
)
def test_no_recipe_is_measured_or_learned_from_twice(budgets: SearchBudgets):
    bench = _Bench(_space(), elsewhere=replace(_CURVE, scale=_CURVE.scale * 0.7))

    result = _found(budgets, bench)

    assert len({recipe.digest for recipe in bench.measured}) == len(bench.measured) == result.num_measured


def test_a_prediction_that_was_too_good_is_corrected():
    # Really three times as sensitive.
    bench = _Bench(_space(), DropCurve(0.8, 1 / 3, 1.0))

    result = _found(SearchBudgets(max_drop=2), bench)

    assert result.best is not None
    assert -100 * result.best.measured.difference.value <= 2
    assert result.num_measured > 1


def test_a_prediction_that_was_too_bad_is_corrected():
    pessimist, realist = _Bench(_space(), DropCurve(0.8, 5.0, 1.0)), _Bench(_space())

    result = _found(SearchBudgets(max_drop=2), pessimist)

    assert result.best.file_bytes < _found(SearchBudgets(max_drop=2), realist).best.file_bytes


def test_a_drop_that_no_recipe_keeps_is_out_of_reach():
    # Of eight bits already everything is lost.
    bench = _Bench(_space(), DropCurve(0.8, 1e-9, 1.0))

    result = _found(SearchBudgets(max_bytes=800, max_drop=1), bench)

    assert result.best is None
    assert "80.0 pp" in result.refusal


def test_no_drop_at_all_finds_what_loses_nothing():
    # Of a thousand samples none changes below a divergence of a thousandth.
    class Rounded(_Bench):
        def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
            report = super().evaluate(recipe, ctx)
            drop = round(-report.difference.value, 3)
            return replace(report, difference=replace(report.difference, value=-drop))

    bench = Rounded(_space())

    result = _found(SearchBudgets(max_drop=0), bench)

    assert result.best.measured.difference.value == 0
    assert result.best.file_bytes < _HEADER + 1500
    # No round is wasted on the smallest file, of which everybody knows that it loses most, nor on the original.
    assert all({2.0} != set(bench._bits(recipe)) != {32.0} for recipe in bench.measured)


def test_a_drop_of_all_that_can_be_lost_takes_the_smallest_file_at_once():
    bench = _Bench(_space())

    result = _found(SearchBudgets(max_drop=85), bench)

    assert result.best.file_bytes == 425
    assert len({recipe.digest for recipe in bench.measured if "bias" not in str(recipe.to_json())}) == 1


def test_what_loses_too_much_is_not_the_best_in_between_either():
    bench = _Bench(_space(), DropCurve(0.8, 1e-9, 1.0))
    budgets = SearchBudgets(max_bytes=800, max_drop=1)

    results = list(search_recipe(bench.space, _prediction(bench.space), budgets, bench, JobContext()))

    assert any(result.num_measured for result in results)
    assert all(result.best is None for result in results)


def test_of_several_recipes_one_that_is_allowed_is_taken():
    bench = _Bench(_space())
    budgets = SearchBudgets(max_bytes=800, max_drop=30)

    for result in search_recipe(bench.space, _prediction(bench.space), budgets, bench, JobContext()):
        assert result.best is None or -100 * result.best.measured.difference.value <= 30

    assert result.best is not None


def test_corrected_biases_are_taken_where_they_help():
    helped, not_helped = _Bench(_space(), corrected=0.5), _Bench(_space(), corrected=1.5)

    taken, left = (_found(SearchBudgets(max_bytes=800), bench).best for bench in (helped, not_helped))

    assert taken.recipe.settings_for("d", "Conv").weights.bias_correction
    assert not left.recipe.settings_for("d", "Conv").weights.bias_correction


def test_what_was_predicted_without_corrected_biases_is_not_said_of_them():
    helped, not_helped = _Bench(_space(), corrected=0.5), _Bench(_space(), corrected=1.5)

    taken, left = (_found(SearchBudgets(max_bytes=800), bench).best for bench in (helped, not_helped))

    assert taken.predicted is None
    assert left.predicted is not None


class _Folding(_Bench):
    """Files that are two hundred bytes smaller where biases are corrected, as BatchNorms are folded."""

    def file_bytes(self, recipe: Recipe, ctx: JobContext) -> int:
        weights = [recipe.settings_for(layer, "Conv").weights for layer in _LAYERS]
        is_corrected = any(one is not None and one.bias_correction for one in weights)
        return super().file_bytes(recipe, ctx) + (0 if is_corrected else 200)


def test_bytes_that_only_files_with_corrected_biases_have_are_in_reach():
    # The smallest plain file has 200 + 50 + 375 bytes.
    bench = _Folding(_space(rest_bytes=250))

    result = _found(SearchBudgets(max_bytes=500), bench)

    assert result.best.recipe.settings_for("d", "Conv").weights.bias_correction
    assert bench.file_bytes(result.best.recipe, JobContext()) == result.best.file_bytes <= 500
    assert any("corrects biases" in note for note in result.notes)


def test_with_folded_batch_norms_the_smallest_file_is_named_as_it_would_be_written():
    result = _found(SearchBudgets(max_bytes=300), _Folding(_space(rest_bytes=250)))

    assert "the smallest file has 425 bytes" in result.refusal


def test_every_point_of_the_front_is_smaller_or_better():
    result = _found(SearchBudgets(max_bytes=800), _Bench(_space()))

    sizes = [point.file_bytes for point in result.front]
    values = [point.value for point in result.front]
    assert len(sizes) >= 4
    assert sizes == sorted(set(sizes))
    assert values == sorted(set(values))


@pytest.mark.parametrize("named", [0.0, 100.0], ids=["too little beside the layers", "too much"])
def test_the_size_that_is_named_as_the_smallest_is_found_when_asked_for(named):
    bench = _Bench(_space(rest_bytes=named))
    refused = _found(SearchBudgets(max_bytes=300), bench)
    (smallest,) = re.findall(r"has ([\d,]+) bytes", refused.refusal)

    result = _found(SearchBudgets(max_bytes=int(smallest.replace(",", ""))), bench)

    assert result.best.file_bytes == 425


def test_a_latency_budget_is_kept_with_the_bytes():
    bench = _Bench(_space(with_latency=True))
    budgets = SearchBudgets(max_bytes=6050, max_latency_ms=5.5, device="phone")

    result = _found(budgets, bench, latency=_latency(bench, lambda count: 0.0))

    assert result.best.latency.value <= 5.5
    assert result.best.latency.origin is Origin.ESTIMATED
    # Three of four layers on integers are fast enough.
    assert sum(bits <= 8 for bits in bench._bits(result.best.recipe)) == 3


def test_the_estimate_of_the_whole_counts_and_not_the_sum_of_layers():
    bench = _Bench(_space(with_latency=True))
    budgets = SearchBudgets(max_latency_ms=5.5, device="phone")

    result = _found(budgets, bench, latency=_latency(bench, lambda count: 0.7))

    assert result.best.latency.value == pytest.approx(5.2)
    assert sum(bits <= 8 for bits in bench._bits(result.best.recipe)) == 4


def test_a_latency_that_only_a_model_all_on_integers_has_is_in_reach():
    bench = _Bench(_space(with_latency=True))
    budgets = SearchBudgets(max_latency_ms=4.0, device="phone")

    result = _found(budgets, bench, latency=_latency(bench, lambda count: -1.0 if count == 4 else 0.0))

    assert result.best.latency.value == pytest.approx(3.5)


def test_a_latency_out_of_reach_names_the_fastest_which_is_found_when_asked_for():
    bench = _Bench(_space(with_latency=True))
    estimated = _latency(bench, lambda count: 0.123456)

    refused = _found(SearchBudgets(max_latency_ms=2.0, device="phone"), bench, latency=estimated)
    (fastest,) = re.findall(r"the fastest takes ([\d.]+) ms", refused.refusal)
    result = _found(SearchBudgets(max_latency_ms=float(fastest), device="phone"), bench, latency=estimated)

    assert "at most 2 ms on phone" in refused.refusal
    assert float(fastest) == pytest.approx(4.63)
    assert result.best.latency.value == pytest.approx(4.623456)


def test_of_options_that_are_equally_fast_those_that_lose_least_are_taken():
    bench = _Bench(_space(with_latency=True))
    # All four layers on integers: nothing is faster, and fewer bits than eight save no time.
    fastest = 0.5 + 4 * 1.0

    found = _found(SearchBudgets(max_latency_ms=fastest), bench, latency=_latency(bench, lambda on_integers: 0.0))

    assert found.best.latency.value == fastest
    assert bench._bits(found.best.recipe) == [8.0] * 4


def test_that_the_original_keeps_all_budgets_is_said():
    found = _found(SearchBudgets(max_bytes=10_000), _Bench(_space()))

    assert not found.best.recipe.rules
    assert any("the original keeps these budgets as it is" in note for note in found.notes)


def test_multiply_adds_that_bits_cannot_save_are_out_of_reach():
    result = _found(SearchBudgets(max_macs=50), _Bench(_space()))

    assert result.best is None
    assert "the fewest are 100 multiply-adds; no channel may go" in result.refusal
    assert result.lacks == (Lack.CHANNELS,)
    # How to scan for them is another matter in the window than on the command line.
    assert "--" not in result.refusal


def test_the_predicted_front_comes_before_anything_is_measured():
    bench = _Bench(_space())

    first = next(
        search_recipe(bench.space, _prediction(bench.space), SearchBudgets(max_bytes=800), bench, JobContext())
    )

    assert bench.measured == []
    assert first.best is None
    assert all(point.predicted is not None for point in first.front)


def test_every_result_says_of_which_model_and_samples_it_is():
    bench = _Bench(_space())

    results = search_recipe(bench.space, _prediction(bench.space), SearchBudgets(max_bytes=800), bench, JobContext())

    assert {(result.model_digest, result.dataset_digest) for result in results} == {("m", "d")}


def test_the_winner_is_confirmed_on_other_samples():
    others = _Bench(_space()).evaluate(Recipe(), JobContext())
    bench = _Bench(_space(), others=others)

    *before, last = search_recipe(
        bench.space, _prediction(bench.space), SearchBudgets(max_bytes=800), bench, JobContext()
    )

    assert last.confirmed is others
    assert last.note == ""
    assert all(result.confirmed is None for result in before)


def test_a_file_that_loses_too_much_on_other_samples_gives_way_to_a_larger_one():
    budgets = SearchBudgets(max_drop=5.0)
    smallest = _found(budgets, _Bench(_space(), elsewhere=_CURVE))
    harder = replace(_CURVE, scale=_CURVE.scale * 0.7)

    found = _found(budgets, _Bench(_space(), elsewhere=harder))

    assert -100 * smallest.confirmed.difference.value <= 5.0
    assert not any("lost more on other samples" in note for note in smallest.notes)
    assert -100 * found.confirmed.difference.value <= 5.0
    assert found.best.file_bytes > smallest.best.file_bytes
    assert any("lost more on other samples" in note for note in found.notes)
    # It is the recipe of the file that is confirmed.
    assert found.confirmed.recipe_digest == found.best.recipe.digest


def test_where_every_file_loses_too_much_on_other_samples_none_is_taken():
    hopeless = replace(_CURVE, scale=_CURVE.scale / 100)

    found = _found(SearchBudgets(max_drop=5.0), _Bench(_space(), elsewhere=hopeless))

    assert found.best is None
    assert found.refusal.startswith("out of reach: a drop of at most 5 pp")


def test_with_a_limit_beside_the_drop_what_loses_too_much_elsewhere_is_not_taken_either():
    budgets = SearchBudgets(max_bytes=800, max_drop=5.0)
    hopeless = replace(_CURVE, scale=_CURVE.scale / 100)

    kept, lost = (_found(budgets, _Bench(_space(), elsewhere=curve)) for curve in (_CURVE, hopeless))

    assert kept.best.file_bytes <= 800
    assert lost.best is None
    assert "at most 800 bytes" in lost.refusal


def test_within_a_limit_another_recipe_that_was_measured_may_keep_the_drop_elsewhere():
    """What is best where it was chosen loses half of all answers elsewhere; nothing else loses much."""

    class _Moody(_Bench):
        def confirm(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport | None:
            report = self.evaluate(recipe, ctx)
            bad = recipe == first.best.recipe
            return replace(report, difference=Figure(-0.5 if bad else -0.001, "fraction", Origin.MEASURED))

    budgets = SearchBudgets(max_bytes=800, max_drop=20.0)
    first = _found(budgets, _Bench(_space()))

    found = _found(budgets, _Moody(_space()))

    assert found.best.recipe != first.best.recipe
    assert found.best.file_bytes <= 800
    assert any("lost more on other samples" in note for note in found.notes)


def test_without_other_samples_the_winner_is_said_to_be_one_of_several():
    result = _found(SearchBudgets(max_bytes=800), _Bench(_space()))

    assert result.num_measured > 1
    assert result.note == f"best of {result.num_measured} recipes measured on these samples"


def test_what_an_incomplete_scan_lacks_is_said():
    space = _space()
    scan = replace(space.scan, cells=(ScanCell("a", ScanSetting(weights=8)), ScanCell("b", ScanSetting(weights=8))))
    complete = replace(scan, is_complete=True)

    notes = [_found(SearchBudgets(max_bytes=800), _Bench(replace(space, scan=one))).notes for one in (scan, complete)]

    # Four layers by five widths.
    assert "18 of 20 cells are missing" in " ".join(notes[0])
    assert notes[1] == ()


@pytest.mark.parametrize("budgets", [SearchBudgets(max_bytes=650), SearchBudgets(max_drop=2)], ids=["size", "drop"])
def test_a_recipe_that_does_not_run_is_not_the_end(budgets: SearchBudgets):
    class _Failing(_Bench):
        def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
            if recipe in failed or not failed:
                failed.append(recipe)
                raise RunError("the operator is not implemented", "take another")
            return super().evaluate(recipe, ctx)

    failed: list[Recipe] = []

    found = _found(budgets, _Failing(_space()))

    assert found.best is not None
    assert len(failed) == 1
    assert found.best.recipe not in failed
    assert any("could not be measured: the operator is not implemented" in note for note in found.notes)


def test_where_nothing_runs_nothing_is_taken():
    class _Broken(_Bench):
        def evaluate(self, recipe: Recipe, ctx: JobContext) -> EvaluationReport:
            raise RunError("the operator is not implemented", "take another")

    for budgets in (SearchBudgets(max_bytes=800), SearchBudgets(max_drop=2)):
        found = _found(budgets, _Broken(_space()))

        assert found.best is None
        assert found.refusal.startswith("out of reach")
        assert any("could not be measured" in note for note in found.notes)


def test_when_it_ends_the_progress_says_how_many_were_measured():
    bench, seen = _Bench(_space()), list[Progress]()

    list(
        search_recipe(
            bench.space, _prediction(bench.space), SearchBudgets(max_bytes=650), bench, JobContext(seen.append)
        )
    )

    assert (seen[-1].text, seen[-1].done) == (f"{len(bench.measured)} recipes measured", seen[-1].total)


def test_a_search_stops_when_asked():
    bench, ctx = _Bench(_space()), JobContext()
    results = search_recipe(bench.space, _prediction(bench.space), SearchBudgets(max_bytes=800), bench, ctx)
    next(results)

    ctx.cancel()

    with pytest.raises(Cancelled):
        next(results)
