"""Lengths of many axes at once."""

from workbench.engine.core.channel_group import AxisChannels, ChannelGroup
from workbench.gui.axis_lengths import AxisLengths

_GROUPS = [ChannelGroup("a", "filters", ("a", "b"), (16, 8)), ChannelGroup("c", "neurons", ("c",), (10,))]
# Three that stay and all of c four times each; both classes of a; nothing that can go.
_AXES = [AxisChannels(3, (("c", 0, 4),)), AxisChannels(0, (("a", 0, 1), ("a", 1, 2))), AxisChannels(7)]


def test_whole_axes_are_as_long_as_all_their_units():
    assert AxisLengths(_AXES, _GROUPS).whole.tolist() == [43, 32, 7]


def test_each_class_shortens_the_axes_that_it_lies_along():
    assert AxisLengths(_AXES, _GROUPS).left({"a": (12, 5)}).tolist() == [43, 22, 7]


def test_what_went_before_is_whole_again():
    lengths = AxisLengths(_AXES, _GROUPS)

    lengths.left({"a": (1, 1)})

    assert lengths.left({"c": (1,)}).tolist() == [7, 32, 7]


def test_a_model_without_axes_has_no_lengths():
    assert AxisLengths([], _GROUPS).left({"c": (1,)}).tolist() == []
