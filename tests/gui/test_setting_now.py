"""Where a layer stands among the settings that were tried."""

import pytest

from workbench.engine.core.sensitivity import ScanAxes
from workbench.gui.setting_now import SettingNow, rows_now

# Rows: W8, W6, W4, W3, W2, then 30, 50, 70 and 90 % zeros.
SETTINGS = ScanAxes().settings


@pytest.mark.parametrize(
    ("now", "rows"),
    [
        (SettingNow(bits=4), [2.0]),
        (SettingNow(bits=5), [1.5]),
        (SettingNow(bits=16), [-0.42]),
        (SettingNow(sparsity=0.5), [6.0]),
        (SettingNow(sparsity=0.55), [6.25]),
        (SettingNow(sparsity=0.1), [4.58]),
        (SettingNow(sparsity=0.95), [8.42]),
        (SettingNow(bits=8, sparsity=0.9), [0.0, 8.0]),
        (SettingNow(), []),
        (SettingNow(activation_bits=8), []),
    ],
    ids=str,
)
def test_settings_in_between_stand_in_between_and_others_at_the_edge(now: SettingNow, rows: list[float]):
    assert list(rows_now(SETTINGS, now)) == pytest.approx(rows)


def test_what_a_layer_has_is_said_as_scans_say_it():
    assert SettingNow(bits=4, sparsity=0.3).text == "W4, 30 % zeros"
    assert SettingNow().is_untouched
