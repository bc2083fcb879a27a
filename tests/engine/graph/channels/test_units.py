import numpy as np

from workbench.engine.graph.channels.units import Units, squeezed, varying_axes


def test_joined_channels_have_the_least_number_of_their_set():
    units = Units()
    first, second = units.fresh(3), units.fresh(3)

    units.join(first, second, "")

    assert first.tolist() == [1, 2, 3]
    assert units.find(second).tolist() == [1, 2, 3]


def test_joining_is_passed_on_through_chains():
    units = Units()
    labels = units.fresh(4)

    units.join(labels[[3]], labels[[2]], "")
    units.join(labels[[2]], labels[[1]], "")

    assert units.find(labels).tolist() == [1, 2, 2, 2]


def test_what_is_joined_with_a_channel_that_stays_stays():
    units = Units()
    labels = units.fresh(2)

    units.join(labels, np.array([0, 0]), "it meets the input")

    assert units.resolved(labels).tolist() == [0, 0]
    assert units.why_fixed(2) == "it meets the input"


def test_a_set_keeps_the_reason_that_came_first():
    units = Units()
    one, other = units.fresh(1), units.fresh(1)

    units.fix(one, "first")
    units.fix(one, "second")
    units.join(one, other, "")

    assert units.why_fixed(int(other[0])) == "first"


def test_a_reason_begins_with_the_place():
    units = Units()
    labels = units.fresh(1)
    units.place = "Softmax probabilities"

    units.fix(labels, "it is taken over the channels")

    assert units.why_fixed(1) == "Softmax probabilities: it is taken over the channels"


def test_sets_that_stay_for_different_reasons_are_not_mixed():
    units = Units()
    labels = units.fresh(2)

    units.fix(labels[:1], "one")
    units.fix(labels[1:], "other")

    assert [units.why_fixed(label) for label in (1, 2)] == ["one", "other"]


def test_joining_along_an_axis_leaves_the_other_axis_free():
    units = Units()
    labels = units.fresh(6).reshape(2, 3)

    units.join_along(labels, 1)

    assert units.find(labels).tolist() == [[1, 1, 1], [4, 4, 4]]


def test_axes_on_which_labels_repeat_are_squeezed_to_one():
    labels = np.array([[1, 2], [1, 2]])

    assert squeezed(labels).tolist() == [[1, 2]]
    assert varying_axes(squeezed(labels)) == (1,)
