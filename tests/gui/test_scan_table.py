"""A scan as arrays."""

import numpy as np

from workbench.engine.core.sensitivity import ScanAxes
from workbench.gui.heat_scale import Measure
from workbench.gui.scan_table import ScanTable

AXES = ScanAxes((8, 4), (8,), (0.5,), (0.25,))
W8, W4, A8, HALF, QUARTER = AXES.settings


def test_cells_stand_by_setting_and_layer_and_what_is_missing_is_nan(make_scan):
    scan = make_scan(("a", "b"), {("a", W4): 0.3, ("b", HALF): 0.7}, axes=AXES)

    table = ScanTable(scan)

    values = table.values(Measure.KL)
    assert values.shape == (5, 2)
    assert values[1, 0] == 0.3
    assert values[3, 1] == 0.7
    assert np.isnan(values).sum() == 8
    assert (table.num_known, table.num_cells) == (2, 10)


def test_settings_of_one_kind_stand_together(make_scan):
    table = ScanTable(make_scan(("a",), {}, axes=AXES))

    assert [(one.title, one.first, one.last) for one in table.sections] == [
        ("Bits of weights", 0, 2),
        ("Bits of activations", 2, 3),
        ("Zeros", 3, 4),
        ("Fewer channels", 4, 5),
    ]


def test_what_a_group_loses_stands_at_all_of_its_layers(make_scan):
    groups = (("a", "a"), ("b", "a"))
    scan = make_scan(("a", "b", "c"), {("a", QUARTER): 0.2}, axes=AXES, groups=groups)

    values = ScanTable(scan).values(Measure.KL)

    assert values[4, :2].tolist() == [0.2, 0.2]
    assert np.isnan(values[4, 2])


def test_an_error_is_no_figure(make_scan):
    scan = make_scan(("a",), {}, axes=AXES, errors={("a", W8): "NaN"})

    table = ScanTable(scan)

    assert table.has_error[0, 0]
    assert np.isnan(table.values(Measure.KL)[0, 0])
    assert table.cell(0, 0).error == "NaN"
