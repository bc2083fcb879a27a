"""Large layers keep a smaller share of their channels than small ones."""

import pytest

from workbench.engine.compress.structure.spreading.erdos_renyi import kernel_density, spread_by_kernels
from workbench.engine.compress.structure.spreading.target import GroupSize, Spread

_LARGE, _SMALL = (16, 8, 3, 3), (8, 4, 1, 1)


def test_density_is_the_sum_of_the_sizes_over_their_product():
    assert kernel_density([_LARGE]) == pytest.approx(30 / 1152)
    assert kernel_density([_LARGE, _SMALL]) == pytest.approx(44 / 1184)


def test_a_density_above_one_is_one_and_the_others_make_up_for_it():
    # 24 channels, 12 to keep. ε = 12 / (16 · 30/1152 + 8 · 14/32) = 3.06 would keep 134 % of the small layer: all 8
    # stay, and of the large one the 4 that are left.
    found = spread_by_kernels([GroupSize(16, 16), GroupSize(8, 8)], [[_LARGE], [_SMALL]], 0.5)

    assert found == Spread((4, 8), 0.5)


def test_shares_are_proportional_to_the_densities():
    # Densities (20 + 20)/400 = 1/10 and (20 + 80)/1600 = 1/16; 100 channels, 42 to keep: ε (20/10 + 80/16) = 42, so
    # ε = 6: 60 % of 20 and 37.5 % of 80.
    found = spread_by_kernels([GroupSize(20, 20), GroupSize(80, 80)], [[(20, 20)], [(80, 20)]], 0.58)

    assert found.kept == (12, 30)
    assert found.ratio == pytest.approx(0.58)


def test_nothing_removed_is_everything_kept():
    assert spread_by_kernels([GroupSize(16, 16)], [[_LARGE]], 0.0) == Spread((16,), 0.0)
