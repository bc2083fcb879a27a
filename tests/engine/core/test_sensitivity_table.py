"""Divergences at any strength, from those that a scan measured."""

import math

import numpy as np
import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.sensitivity_table import AskedOfLayers, sensitivity_table


def _cell(layer: str, setting: ScanSetting, kl: float | None) -> ScanCell:
    return ScanCell(layer, setting, None if kl is None else Figure(kl, "nat", Origin.MEASURED), num_samples=64)


def _scan(*cells: ScanCell, groups: tuple[tuple[str, str], ...] = ()) -> SensitivityScan:
    axes = ScanAxes(weight_bits=(2, 4, 8), activation_bits=(8,), sparsities=(0.5, 0.9), ratios=(0.25,))
    return SensitivityScan("m", "d", axes, ("a", "b"), cells, 64, groups=groups)


_KNOWN = _scan(
    _cell("a", ScanSetting(weights=8), 0.01),
    _cell("a", ScanSetting(weights=4), 0.16),
    _cell("a", ScanSetting(weights=2), 0.64),
    _cell("a", ScanSetting(sparsity=0.5), 0.08),
    _cell("a", ScanSetting(sparsity=0.9), 0.8),
    _cell("a", ScanSetting(activations=8), 0.02),
    _cell("a", ScanSetting(ratio=0.25), 0.5),
)


def _asked(**of_a: float) -> AskedOfLayers:
    asked = AskedOfLayers.nothing(2)
    for name, value in of_a.items():
        getattr(asked, name)[0] = value
    return asked


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 0.0),
        ({"weight_bits": 8}, 0.01),
        ({"weight_bits": 2}, 0.64),
        # Half way between two, the geometric mean.
        ({"weight_bits": 3}, math.sqrt(0.16 * 0.64)),
        ({"weight_bits": 6}, math.sqrt(0.01 * 0.16)),
        # Each bit more than any that was tried leaves a quarter.
        ({"weight_bits": 10}, 0.01 / 16),
        ({"sparsity": 0.7}, math.sqrt(0.08 * 0.8)),
        # Less than any that was tried: the cube of the share.
        ({"sparsity": 0.25}, 0.08 / 8),
        ({"activation_bits": 8}, 0.02),
        ({"ratio": 0.25}, 0.5),
        ({"weight_bits": 4, "sparsity": 0.5}, 0.24),
    ],
    ids=[
        "nothing",
        "as scanned",
        "harshest",
        "3 bits",
        "6 bits",
        "10 bits",
        "70 %",
        "25 %",
        "inputs",
        "channels",
        "both",
    ],
)
def test_divergences_between_and_beyond_what_was_scanned(asked, expected):
    found = sensitivity_table(_KNOWN).kl(_asked(**asked))

    assert found == pytest.approx([expected, 0.0])


def test_a_layer_that_the_scan_does_not_know_yet_is_not_known():
    asked = AskedOfLayers.nothing(2)
    asked.weight_bits[1] = 4

    assert np.isnan(sensitivity_table(_KNOWN).kl(asked)[1])


def test_more_bits_never_do_more_than_fewer():
    noisy = _scan(_cell("a", ScanSetting(weights=8), 0.03), _cell("a", ScanSetting(weights=4), 0.02))

    table = sensitivity_table(noisy)

    assert table.kl(_asked(weight_bits=4))[0] >= table.kl(_asked(weight_bits=8))[0]


def test_a_cell_that_could_not_be_measured_is_bridged():
    gap = _scan(
        _cell("a", ScanSetting(weights=8), 0.01),
        _cell("a", ScanSetting(weights=4), None),
        _cell("a", ScanSetting(weights=2), 0.64),
    )

    assert sensitivity_table(gap).kl(_asked(weight_bits=4))[0] == pytest.approx(0.08)


def test_an_empty_scan_knows_only_that_nothing_does_nothing():
    table = sensitivity_table(_scan())

    assert table.kl(AskedOfLayers.nothing(2)).tolist() == [0.0, 0.0]
    assert np.isnan(table.kl(_asked(sparsity=0.5))[0])
