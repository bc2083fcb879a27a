import numpy as np
import pytest

from workbench.engine.compress.activations.activation_ranges import activation_range, params_of_range, percentile_range
from workbench.engine.compress.weights.affine import fake_quantize, quantize
from workbench.engine.core.recipe import ActivationSettings
from workbench.engine.core.tensor_statistics import HALF_BINS, TensorStatistics

_EMPTY = np.zeros(0, np.float32)


def _statistics(values: np.ndarray, bin_width: float) -> TensorStatistics:
    places = np.floor(values / bin_width).astype(int) + HALF_BINS
    counts = np.bincount(places, minlength=2 * HALF_BINS)
    return TensorStatistics(
        float(values.min()), float(values.max()), _EMPTY, _EMPTY, _EMPTY, bin_width, counts, len(values)
    )


@pytest.fixture
def outliers() -> TensorStatistics:
    """100,000 normal values, and a hundred at 20."""
    values = np.random.default_rng(0).normal(size=100_000)
    return _statistics(np.concatenate([values, np.full(100, 20.0)]), 2.0**-6)


def test_min_max_keeps_everything_and_zero():
    values = np.array([2.0, 5.0])

    assert activation_range(_statistics(values, 2.0**-6), ActivationSettings(8)) == (0.0, 5.0)


def test_percentile_leaves_out_its_share_at_each_end():
    values = np.arange(1, 1001) / 100.0

    low, high = percentile_range(_statistics(values, 2.0**-7), kept_percent=90)

    assert low == 0
    # Half of the rest, 5 % of a thousand values, lies above.
    assert high == pytest.approx(9.5, abs=0.02)


def test_least_squared_error_is_better_than_min_max_and_percentile_on_the_values_themselves(outliers):
    values = np.random.default_rng(0).normal(size=100_000)
    values = np.concatenate([values, np.full(100, 20.0)]).astype(np.float32)

    def error(method: str) -> float:
        settings = ActivationSettings(4, range=method)
        params = params_of_range(activation_range(outliers, settings), settings)
        return float(np.square(fake_quantize(values, params) - values).sum())

    assert error("mse") < error("minmax")
    assert error("mse") < error("percentile")


def test_entropy_leaves_far_outliers_out(outliers):
    low, high = activation_range(outliers, ActivationSettings(4, range="entropy"))

    assert -20 < low < -2
    assert 2 < high < 20


@pytest.mark.parametrize(
    ("settings", "zero_point", "low", "high"),
    [
        (ActivationSettings(8), 85, -1.0, 2.0),
        (ActivationSettings(8, signed=True), -43, -1.0, 2.0),
        (ActivationSettings(8, symmetric=True), 128, -2.0157, 2.0),
        (ActivationSettings(8, symmetric=True, signed=True), 0, -2.0157, 2.0),
        (ActivationSettings(4), 5, -1.0, 2.0),
    ],
    ids=["unsigned", "signed", "symmetric", "symmetric signed", "4 bit"],
)
def test_codes_cover_the_range_with_an_exact_zero(settings, zero_point: int, low: float, high: float):
    params = params_of_range((-1.0, 2.0), settings)

    assert int(params.zero_point) == zero_point
    assert float(params.low) == pytest.approx(low, abs=1e-3)
    assert float(params.high) == pytest.approx(high, abs=1e-3)
    assert fake_quantize(np.zeros(1, np.float32), params)[0] == 0
    codes = quantize(np.float32([-9, 9]), params)
    assert tuple(codes) == (params.code_min, params.code_max)
