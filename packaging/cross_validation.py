"""How far off estimates are: each family of networks is left out of all devices in turn, and then estimated."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from published_runs import Measurement, Run

from workbench.engine.core.device_profile import Backend
from workbench.engine.latency.cost_prior import CostPrior
from workbench.engine.latency.features import FEATURES
from workbench.engine.latency.learn_prior import LearningSettings, learn_prior, with_floor
from workbench.engine.latency.map_fit import Fitted, Measured, fit_costs
from workbench.engine.latency.traits import TRAITS, traits_of

# Those that estimate families best that were left out.
SETTINGS = {
    Backend.CPU: LearningSettings(),
    Backend.GPU: LearningSettings(rounds=8, spread=0.8, spread_weight=3.0, centre_ridge=10.0, floor_ms=1.0),
    Backend.NPU: LearningSettings(spread=0.3, centre_ridge=10.0, floor_ms=0.5),
}
# Plausible costs, in ms for one unit of a feature: where the search for the prior begins, and what it keeps to for
# features that hardly any network has. Of a middling phone: 20 multiply-adds a ns on a CPU, 100 on a GPU and 2,000 on
# an NPU in 1×1 convolutions, the others in proportion; 20, 10 and 20 of them for an element that is moved. To and from
# a Winograd domain an element is moved as by an addition. One that is brought to another grid of integers takes some
# five cycles, in which a core multiplies 50 times.
_CPU = {
    "wino": 1.4, "mac_1x1": 1.0, "mac_gen": 1.0, "mac_first": 1.7, "mac_g": 2.0, "mac_dw": 2.0, "mac_att": 4.0,
    "e_1x1": 5.0, "e_wino": 8.0, "e_col": 5.0, "e_dw": 5.0, "e_ew": 8.0, "e_move": 10.0, "e_exp": 40.0,
    "e_norm": 140.0, "e_slow": 50.0, "emis": 3.0, "pool": 2.0, "gpool": 2.0, "w_conv": 6.0, "w_fc": 9.0, "n_ops": 0.4,
    "n_conv": 0.4, "mis4": 0.5, "mis8": 0.3, "mac_1x1_i8": 0.8, "mac_3x3_i8": 0.8, "mac_3x3_more_i8": 0.8,
    "mac_gen_i8": 0.8, "mac_first_i8": 1.5, "mac_dw_i8": 2.0, "mis_i8": 0.3, "e_conv_i8": 8.0, "e_out_i8": 8.0,
    "e_requant_i8": 40.0, "w_conv_i8": 5.0, "w_fc_i8": 5.0, "n_i8": 0.2,
}  # fmt: skip
_GPU = {
    "mac_1x1": 1.0, "wino": 1.5, "mac_gen": 1.5, "mac_first": 3.0, "mac_g": 6.0, "mac_dw": 6.0, "mac_att": 6.0,
    "mis4": 1.0, "pool": 5.0, "gpool": 10.0, "e_1x1": 10.0, "e_wino": 8.0, "e_col": 5.0, "e_dw": 15.0, "e_ew": 20.0,
    "e_concat": 20.0, "e_move": 25.0, "e_exp": 20.0, "e_norm": 60.0, "e_slow": 100.0, "w_conv": 10.0, "w_fc": 30.0,
    "n_conv": 4.0, "n_ops": 4.0, "n_fallback": 50.0, "const": 100.0,
}  # fmt: skip
_NPU = {
    "mac_1x1": 1.0, "mac_k": 0.7, "mac_first": 3.0, "mac_g": 5.0, "mac_dw": 10.0, "mac_mm": 1.0, "mac_att": 5.0,
    "pool": 10.0, "e_conv": 20.0, "e_dw": 30.0, "e_ew": 60.0, "e_concat": 30.0, "e_move": 60.0, "e_exp": 60.0,
    "e_norm": 100.0, "e_io": 100.0, "w_conv": 50.0, "w_fc": 50.0, "n_ops": 8.0, "const": 300.0,
}  # fmt: skip
_FIRST = {Backend.CPU: (_CPU, 0.05), Backend.GPU: (_GPU, 0.01), Backend.NPU: (_NPU, 0.0005)}


# Of the measurements of families that were left out: the share that the band is to hold.
HELD = 0.82
# What the owner of a phone would measure first.
_FIRST_MEASURED = ("mobilenet_v2", "resnet", "shufflenet_v2", "mobilenet_v1", "googlenet")


@dataclass(frozen=True, slots=True)
class _Compared:
    """An estimate beside what was measured.

    Args:
        run: its place in the list of runs.
        measurement: what was measured.
        ms: what was estimated.
        deviation: standard deviation of the logarithm: of one time, and for what the costs are uncertain.
    """

    run: int
    measurement: Measurement
    ms: float
    deviation: float

    @property
    def log_ratio(self) -> float:
        """Logarithm of measured by estimated."""
        return float(np.log(self.measurement.ms / self.ms))

    @property
    def error(self) -> float:
        """|estimated / measured − 1|."""
        return abs(self.ms / self.measurement.ms - 1)


@dataclass(frozen=True, slots=True)
class Estimated(_Compared):
    """One network on one run, estimated by costs that never saw its family.

    Args:
        macs_ms: what scaling by multiply-adds gives, fitted on the same measurements.
    """

    macs_ms: float


def stacked(runs: Sequence[Run]) -> Measured:
    """The measurements of all runs, padded to the same number."""
    most = max(len(run.measurements) for run in runs)
    shape = len(runs), most, len(FEATURES[runs[0].description.backend])
    features, log_ms, weights = np.zeros(shape), np.zeros(shape[:2]), np.zeros(shape[:2])
    features[..., 0] = 1.0
    for place, run in enumerate(runs):
        count = len(run.measurements)
        features[place, :count] = [one.features for one in run.measurements]
        log_ms[place, :count] = np.log([one.ms for one in run.measurements])
        weights[place, :count] = 1.0
    return Measured(features, log_ms, weights)


def trait_matrix(runs: Sequence[Run]) -> np.ndarray:
    """Traits of the runs, shape (D, P)."""
    names = TRAITS[runs[0].description.backend]
    return np.array([[traits_of(run.description)[name] for name in names] for run in runs])


def prior_of(runs: Sequence[Run], measured: Measured) -> CostPrior:
    """The prior that the measurements with a weight teach."""
    backend = runs[0].description.backend
    features = FEATURES[backend]
    costs, unit_ms = _FIRST[backend]
    first = np.log([costs[name] * unit_ms for name in features])
    return learn_prior(measured, trait_matrix(runs), first, (features, TRAITS[backend]), SETTINGS[backend])


def costs_of(runs: Sequence[Run], measured: Measured, prior: CostPrior) -> Fitted:
    """The costs of each run by what has a weight of its measurements."""
    counted = with_floor(measured, prior.floor_ms)
    return fit_costs(counted, prior.mean(trait_matrix(runs)), prior.precision, prior.sigma)


def left_out(runs: Sequence[Run], family: Callable[[Measurement], str], *, workers: int = 2) -> list[Estimated]:
    """Every measurement, estimated by a prior and costs of which its family is no part."""
    families = sorted({family(one) for run in runs for one in run.measurements})
    masks = [np.array(_places(runs, family, name)) for name in families]
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        parts = pool.map(_estimated_without, [runs] * len(masks), masks)
        return [one for part in parts for one in part]


def _places(runs: Sequence[Run], family: Callable[[Measurement], str], name: str) -> list[list[bool]]:
    most = max(len(run.measurements) for run in runs)
    rows = [[family(one) == name for one in run.measurements] for run in runs]
    return [row + [False] * (most - len(row)) for row in rows]


def _estimated_without(runs: Sequence[Run], mask: np.ndarray) -> list[Estimated]:
    measured = stacked(runs)
    measured = Measured(measured.features, measured.log_ms, np.where(mask, 0.0, measured.weights))
    has_any = measured.weights.sum(1) > 0
    prior = prior_of([run for run, keeps in zip(runs, has_any, strict=True) if keeps], measured.only(has_any))
    fitted = costs_of(runs, measured, prior)
    times = np.matmul(measured.features, np.exp(fitted.log_costs)[..., None])[..., 0]
    deviations = np.sqrt(prior.sigma**2 + (fitted.shares**2 * prior.uncertainty**2).sum(2))
    found = []
    for place, run in enumerate(runs):
        if not has_any[place]:
            continue
        for number, one in enumerate(run.measurements):
            if mask[place, number]:
                ms, deviation = float(times[place, number]), float(deviations[place, number])
                kept = [other for other, gone in zip(run.measurements, mask[place], strict=False) if not gone]
                found.append(Estimated(place, one, ms, deviation, one.macs * ms_per_mac(kept, one)))
    return found


def ms_per_mac(known: Sequence[Measurement], one: Measurement) -> float:
    """The median over measurements in the same precision; over all where there are none."""
    alike = [other for other in known if other.is_int8 == one.is_int8] or known
    return float(np.median([other.ms / other.macs for other in alike]))


def widths_of(estimated: Sequence[Estimated]) -> dict[str, float]:
    """How many standard deviations hold four of five of |log(measured / estimated)|, in float and in int8."""
    found = {}
    for name, is_int8 in (("float", False), ("int8", True)):
        scores = [abs(one.log_ratio) / one.deviation for one in estimated if one.measurement.is_int8 == is_int8]
        if scores:
            found[name] = float(np.quantile(scores, HELD))
    return found


def new_devices(runs: Sequence[Run], counts: Sequence[int] = (0, 1, 3)) -> dict[int, float]:
    """The width of the band for a device that nobody measured, by how many networks its owner did."""
    found = calibrated_anew(runs, counts)
    return {
        count: float(np.quantile([abs(one.log_ratio) / one.deviation for one in ones], HELD))
        for count, ones in found.items()
    }


@dataclass(frozen=True, slots=True)
class Anew(_Compared):
    """A network on a device that was left out with its chip, after some of the device's others were measured."""


def calibrated_anew(
    runs: Sequence[Run], counts: Sequence[int] = (0, 1, 3), *, folds: int = 1, workers: int = 2
) -> dict[int, list[Anew]]:
    """Each chip left out of the prior in turn; its runs fitted to a few networks, and asked about all others.

    Args:
        runs: of one backend.
        counts: of the networks that are measured.
        folds: families are parted into so many; those asked about are left out of the prior as well if there are
            more than one.
        workers: processes.
    """
    chips = sorted({run.soc for run in runs})
    jobs = [(runs, chip, tuple(counts), fold, folds) for chip in chips for fold in range(folds)]
    found: dict[int, list[Anew]] = {count: [] for count in counts}
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        for part in pool.map(_anew, jobs):
            for count, ones in part.items():
                found[count].extend(ones)
    return found


def _anew(job: tuple[Sequence[Run], str, tuple[int, ...], int, int]) -> dict[int, list[Anew]]:
    runs, chip, counts, fold, folds = job
    families = sorted({one.family for run in runs for one in run.measurements} - set(_FIRST_MEASURED))
    asked = set(families[fold::folds])
    others = [_without(run, asked if folds > 1 else set()) for run in runs if run.soc != chip]
    others = [run for run in others if run.measurements]
    prior = prior_of(others, stacked(others))
    found: dict[int, list[Anew]] = {count: [] for count in counts}
    for place, run in enumerate(runs):
        if run.soc == chip:
            for count in counts:
                found[count].extend(_asked(place, run, count, asked, prior))
    return found


def _asked(place: int, run: Run, count: int, asked: set[str], prior: CostPrior) -> list[Anew]:
    known = _chosen(run, count)
    rest = [one for one in run.measurements if one.family in asked and one not in known]
    if len(known) < count or not rest:
        return []
    mean = prior.mean(trait_matrix([run]))
    if known:
        measured = [replace(run, measurements=known)]
        mean = costs_of(measured, stacked(measured), prior).log_costs
    costs = np.exp(mean[0])
    answers = []
    for one in rest:
        parts = one.features * costs
        shares = parts / parts.sum()
        deviation = float(np.sqrt(prior.sigma**2 + (shares**2 * prior.uncertainty**2).sum()))
        answers.append(Anew(place, one, float(parts.sum()), deviation))
    return answers


def _without(run: Run, families: set[str]) -> Run:
    return replace(run, measurements=tuple(one for one in run.measurements if one.family not in families))


def _chosen(run: Run, count: int) -> tuple[Measurement, ...]:
    """Networks that somebody would measure first: small ones that everybody has, in one precision."""
    by_family: dict[str, Measurement] = {}
    for one in run.measurements:
        if not one.is_int8 or all(other.is_int8 for other in run.measurements):
            by_family.setdefault(one.family, one)
    return tuple(by_family[name] for name in _FIRST_MEASURED if name in by_family)[:count]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A narrower network's time as a fraction of the whole one's: estimated, measured, and by multiply-adds."""

    estimated: float
    measured: float
    macs: float


def estimated_with_one_known(runs: Sequence[Run], whole_of: Callable[[str], str]) -> list[Ratio]:
    """Ratios where of the whole family only the whole network was measured, here and on all other devices.

    Args:
        runs: of one backend.
        whole_of: of a network's name that of the whole one; empty for those that are not narrower.
    """
    families = sorted({one.family for run in runs for one in run.measurements if whole_of(one.network)})
    found = []
    for family in families:
        measured = stacked(runs)
        gone = np.zeros_like(measured.weights, bool)
        for place, run in enumerate(runs):
            for number, one in enumerate(run.measurements):
                gone[place, number] = one.family == family and whole_of(one.network) != one.network
        measured = Measured(measured.features, measured.log_ms, np.where(gone, 0.0, measured.weights))
        has_any = measured.weights.sum(1) > 0
        prior = prior_of([run for run, keeps in zip(runs, has_any, strict=True) if keeps], measured.only(has_any))
        costs = np.exp(costs_of(runs, measured, prior).log_costs)
        for run, row in zip(runs, costs, strict=True):
            found.extend(_ratios(run, row, family, whole_of))
    return found


def _ratios(run: Run, costs: np.ndarray, family: str, whole_of: Callable[[str], str]) -> list[Ratio]:
    by_name = {(one.network, one.is_int8): one for one in run.measurements}
    found = []
    for one in run.measurements:
        whole = by_name.get((whole_of(one.network), one.is_int8))
        if one.family == family and whole is not None and whole.network != one.network:
            estimated = float(one.features @ costs) / float(whole.features @ costs)
            found.append(Ratio(estimated, one.ms / whole.ms, one.macs / whole.macs))
    return found
