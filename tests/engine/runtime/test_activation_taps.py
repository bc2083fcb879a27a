import numpy as np
import onnx
import pytest

from workbench.engine.runtime.activation_taps import ActivationTaps, Tap
from workbench.jobs import JobContext


def _proto(opset: int) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> m (float[N,3,4,5] x) => (float[N,3,4,5] y)'
        " { r = Relu(x) y = Neg(r) }"
    )


def _batches() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    # Each batch is larger than the one before, so that the bins have to widen.
    return [random.normal(size=(count, 3, 4, 5)).astype(np.float32) * 10.0**count for count in (1, 2, 3)]


def _statistics(batches: list[np.ndarray], opset: int = 13):
    taps = {"x": Tap((1, 3, 4, 5), 1), "r": Tap((1, 3, 4, 5), 1, is_positive=True), "y": Tap(None, None)}
    gathering = ActivationTaps(_proto(opset), taps)
    for batch in batches:
        gathering.add({"x": batch}, len(batch), JobContext())
    return gathering.statistics()


@pytest.mark.parametrize("opset", [13, 20])
def test_statistics_are_those_of_the_whole_tensor(opset: int):
    batches = _batches()
    x = np.concatenate(batches)

    found = _statistics(batches, opset)

    assert found["x"].low == x.min()
    assert found["x"].high == x.max()
    np.testing.assert_array_equal(found["x"].channel_low, x.min(axis=(0, 2, 3)))
    np.testing.assert_array_equal(found["x"].channel_high, x.max(axis=(0, 2, 3)))
    np.testing.assert_allclose(found["x"].channel_mean, x.mean(axis=(0, 2, 3)), rtol=1e-4)
    assert found["r"].low == 0
    assert found["y"].low == -x.max()
    assert found["y"].channel_low.size == 0
    assert found["x"].num_samples == 6


def test_the_histogram_counts_every_value_of_small_tensors_in_its_bin():
    batches = _batches()
    x = np.concatenate(batches)

    found = _statistics(batches)["x"]

    edges = np.append(found.centers - found.bin_width / 2, found.centers[-1] + found.bin_width / 2)
    np.testing.assert_array_equal(found.counts, np.histogram(x.astype(np.float64), edges)[0])


def test_the_order_of_the_batches_does_not_matter():
    batches = _batches()

    one, other = _statistics(batches)["x"], _statistics(batches[::-1])["x"]

    assert one.bin_width == other.bin_width
    np.testing.assert_array_equal(one.counts, other.counts)
