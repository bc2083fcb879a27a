"""From samples to the figures of a cell."""

import numpy as np
import pytest

from workbench.engine.core.sensitivity import ScanSetting
from workbench.engine.search.scan.cell_record import CellRecord, record_from_json, weighted_drop, weighted_mean


def _record(**parts: object) -> CellRecord:
    usual = {
        "samples": np.array([4, 7, 1, 2]), "weights": np.ones(4), "divergence": np.array([0.1, 0.3, 0.0, 0.4]),
        "noise": np.array([[1.0, 1.0, 1.0, 1.0]]), "signal": np.array([[100.0, 100.0, 100.0, 100.0]]),
        "scores": np.array([1.0, 0.0, 0.0, 1.0]), "original": np.array([1.0, 1.0, 0.0, 1.0]),
    }  # fmt: skip
    return CellRecord(**{**usual, **parts})


def test_the_figures_of_even_samples_are_the_plain_ones():
    cell = _record().cell("a", ScanSetting(weights=4))

    assert cell.kl.value == pytest.approx(0.2)
    # Student's t with three degrees, 3.182, times the standard error: √(Σ(x − 0.2)² / 12) = √(0.10 / 12).
    assert cell.kl.high - cell.kl.value == pytest.approx(3.182 * (0.10 / 12) ** 0.5, rel=1e-3)
    assert cell.sqnr_db == pytest.approx(20.0)
    assert cell.drop.value == pytest.approx(0.25)
    assert (cell.num_samples, cell.kl.n, cell.drop.n) == (4, 4, 4)


def test_a_heavy_sample_counts_for_several():
    weights = np.array([3.0, 1.0, 0.0, 0.0])

    assert weighted_mean(np.array([1.0, 5.0, 9.0, 9.0]), weights, "nat").value == pytest.approx(2.0)


def test_no_loss_seen_is_not_no_loss():
    ones = np.ones(50)

    drop = weighted_drop(ones, ones, ones)

    assert drop.value == 0
    assert drop.high > 0.02


def test_a_share_of_agreement_has_the_interval_of_a_mean():
    drop = weighted_drop(np.ones(3), np.array([1.0, 0.5, 0.9]), np.ones(3))

    assert drop.value == pytest.approx(0.2)
    assert drop.low < 0.2 < drop.high


def test_outputs_that_are_no_classes_are_told_apart_by_their_noise():
    cell = _record(divergence=None, scores=None, original=None).cell("a", ScanSetting(weights=4))

    assert (cell.kl.value, cell.kl.unit, cell.drop) == (pytest.approx(0.01), "fraction", None)


def test_an_unchanged_output_has_no_noise():
    assert _record(noise=np.zeros((1, 4))).cell("a", ScanSetting(weights=8)).sqnr_db == float("inf")


def test_outputs_that_are_no_numbers_are_an_error_and_no_figure():
    cell = _record(divergence=np.array([0.1, np.nan, 0.0, 0.4])).cell("a", ScanSetting(weights=4))

    assert (cell.kl, cell.error) == (None, "the model's outputs hold NaN or infinite numbers")


def test_what_is_stored_comes_back_and_grows_by_more_samples():
    record = _record(divergence=None)

    again = record_from_json(record.to_json()).with_more(record)

    assert again.samples.tolist() == [4, 7, 1, 2, 4, 7, 1, 2]
    assert again.divergence is None
    assert again.noise.shape == (1, 8)


@pytest.mark.parametrize(
    "broken", [{"samples": None}, {"noise": None}, {"weights": "x"}, {"outputs": "1"}, {"signal": [1.0]}]
)
def test_what_is_stored_otherwise_is_refused(broken: dict[str, object]):
    with pytest.raises((ValueError, TypeError)):
        record_from_json({**_record().to_json(), **broken})


def test_what_is_lost_by_probability_has_its_interval():
    cell = _record(soft_drop=np.array([0.1, -0.1, 0.3, 0.1])).cell("a", ScanSetting(weights=4))

    assert cell.soft_drop.value == pytest.approx(0.1)
    # Student's t with three degrees, 3.182, times √(Σ(x − 0.1)² / 12) = √(0.08 / 12).
    assert cell.soft_drop.value - cell.soft_drop.low == pytest.approx(3.182 * (0.08 / 12) ** 0.5, rel=1e-3)
    assert cell.soft_drop.low < 0 < cell.soft_drop.high


def test_a_store_gives_the_soft_drop_back():
    record = _record(soft_drop=np.array([0.1, -0.1, 0.3, 0.1]))

    assert record_from_json(record.to_json()).soft_drop.tolist() == record.soft_drop.tolist()
