"""Learning to predict accuracy: mixes from mild to harsh are measured, and a curve is laid through them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from workbench.engine.core.accuracy_prediction import AccuracyPrediction, MeasuredMix, SamplingError
from workbench.engine.core.asked_of_recipe import asked_of_mix
from workbench.engine.core.errors import DataError
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.sensitivity import SensitivityScan
from workbench.engine.core.sensitivity_table import AskedOfLayers, SensitivityTable, sensitivity_table
from workbench.engine.search.prediction.drop_curve_fit import fit_drop_curve, fit_spread, fit_zero_weight
from workbench.engine.search.prediction.mix_recipe import mix_recipe
from workbench.engine.search.prediction.random_mixes import spanning_mixes
from workbench.engine.search.prediction.weighed_cells import weighed_by_drops
from workbench.jobs import JobContext

# What a mix asks of the layers, and what it loses.
_Seen = tuple[AskedOfLayers, float]
# Measures what a recipe gives, paired with the original; what is known already is not measured again.
Measure = Callable[[Recipe, JobContext], EvaluationReport]

# What is fitted, and how far mixes lie from it, settles with as many; eight left some intervals too narrow.
NUM_MIXES = 16
_LEAST_MIXES = 4
# Of a thousand answers about as many change, and half of them for the better, where nothing is lost on the whole.
_UNSTEADY = 0.004
_LEAST_TO_LOSE = 0.01
_Z95 = 1.96


def fit_accuracy(
    scan: SensitivityScan,
    measure: Measure,
    ctx: JobContext,
    *,
    chance: float,
    kinds: Mapping[str, str],
    base: Recipe | None = None,
    num_mixes: int = NUM_MIXES,
    seed: int = 0,
) -> Iterator[AccuracyPrediction]:
    """Predictions of more and more measured mixes, the first after four of them.

    Args:
        scan: of the model, on the samples that mixes are measured on.
        measure: gives a recipe's evaluation.
        ctx: asked before each mix; told the progress.
        chance: the metric of a network that only guesses.
        kinds: of the channels of each layer that can lose some.
        base: whose encoding and calibration mixes are built with.
        num_mixes: how many are measured.
        seed: of the mixes.

    Raises:
        Cancelled: somebody asked to stop.
        DataError: the scan knows nothing that could be mixed, or the evaluations are not paired.
    """
    table = sensitivity_table(scan)
    mixes = spanning_mixes(scan, table, num_mixes, seed=seed)
    if not mixes:
        why = next((f": {cell.error}" for cell in scan.cells if cell.error), "")
        hint = "take another model" if why else "scan the model first"
        raise DataError(f"the scan holds nothing to predict from{why}", hint)
    seen: list[_Seen] = []
    for number, mix in enumerate(mixes):
        ctx.checkpoint()
        part = ctx.part(number / len(mixes), (number + 1) / len(mixes), f"mix {number + 1} of {len(mixes)}")
        report = measure(mix_recipe(base or Recipe(), scan.axes, mix, kinds), part)
        seen.append((asked_of_mix(scan.layers, mix), lost(report)))
        if number + 1 >= min(_LEAST_MIXES, len(mixes)):
            yield replace(_predicting(scan, report, seen, chance), is_complete=number + 1 == len(mixes))
    ctx.progress(1, 1, f"{len(mixes)} mixes measured")


def with_mix(prediction: AccuracyPrediction, mix: MeasuredMix) -> AccuracyPrediction:
    """The prediction after one more mix was measured."""
    mixes, sampling = (*prediction.mixes, mix), prediction.spread.sampling
    most = max(prediction.curve.most, mix.drop)
    curve = fit_drop_curve(mixes, most, sampling)
    return replace(prediction, curve=curve, spread=fit_spread(mixes, most, sampling), mixes=mixes)


def lost(report: EvaluationReport) -> float:
    """What the report says is lost against the original, in the metric's unit. Raises DataError without a pair."""
    if report.difference is None:
        raise DataError("the evaluation is not paired with the original", "evaluate against the original")
    return -report.difference.value


def _predicting(
    scan: SensitivityScan, report: EvaluationReport, seen: Sequence[_Seen], chance: float
) -> AccuracyPrediction:
    original, sampling = _original(report), _sampling(report)
    # What was seen to be lost can be lost, whatever guessing is said to give.
    most = max(_LEAST_TO_LOSE, original.value - chance, *(drop for _, drop in seen))
    plain = sensitivity_table(scan)
    usual = fit_drop_curve([MeasuredMix(float(plain.kl(asked).sum()), drop) for asked, drop in seen], most, sampling)
    table = sensitivity_table(weighed_by_drops(scan, usual))
    parts = [_parts(table, asked, drop) for asked, drop in seen]
    weight = fit_zero_weight(parts, most, sampling)
    mixes = tuple(MeasuredMix(rest + weight * zeros, drop) for rest, zeros, drop in parts)
    return AccuracyPrediction(
        model_digest=scan.model_digest,
        dataset_digest=scan.dataset_digest,
        metric=report.metric,
        original=original,
        table=replace(table, sparsity=table.sparsity.times(weight)),
        curve=fit_drop_curve(mixes, most, sampling),
        spread=fit_spread(mixes, most, sampling),
        mixes=mixes,
        num_samples=report.done,
        ranges_digest=scan.ranges_digest,
        groups=scan.groups,
        axes=scan.axes,
    )


def _parts(table: SensitivityTable, asked: AskedOfLayers, drop: float) -> tuple[float, float, float]:
    """Divergence of all but zeros, divergence of zeros, and drop."""
    zeros = float(table.sparsity.kl(asked.sparsity).sum())
    return float(table.kl(asked).sum()) - zeros, zeros, drop


def _original(report: EvaluationReport) -> Figure:
    if report.reference is not None:
        return report.reference
    value = report.figure.value + lost(report)
    return replace(report.figure, value=value, low=None, high=None)


def _sampling(report: EvaluationReport) -> SamplingError:
    if report.figure.unit == "fraction":
        return SamplingError(1 / report.done, _UNSTEADY / report.done)
    difference = report.difference
    if difference is None or difference.low is None or difference.high is None:
        return SamplingError(0.0, 0.0)
    return SamplingError(0.0, max(1e-9, ((difference.high - difference.low) / 2 / _Z95) ** 2))


def guessing(report: EvaluationReport, num_classes: int | None) -> float:
    """The metric of a network that only guesses; 0 of one in dB, and where nobody knows among how many classes.

    Args:
        report: any evaluation by the metric.
        num_classes: that the model tells apart at a place; None where that is not known.
    """
    if report.figure.unit != "fraction" or not num_classes:
        return 0.0
    return min(1.0, (5 if report.metric == "top5" else 1) / max(2, num_classes))
