"""Which layers are decided together, and about how many channels."""

import numpy as np

from workbench.engine.graph.channels.unit_groups import needed_units, unit_groups

_W = {"wa": (4, 2, 1, 1), "wy": (3, 4, 1, 1)}


def _graph(body: str, end: str = "y = Conv(r, wy)") -> str:
    return f"m (float[N,2,6,6] x) => (float[N,3,6,6] y) {{ a = Conv(x, wa) {body} {end} }}"


def test_layers_that_share_no_channel_are_groups_of_their_own(channels):
    groups = unit_groups(channels(_graph("r = Conv(a, wr)"), {**_W, "wr": (4, 4, 1, 1)}).flow)

    assert [group.members for group in groups] == [("a",), ("r",), ("y",)]
    assert [group.units.tolist() for group in groups] == [[1, 2, 3, 4], [5, 6, 7, 8], []]
    assert [group.num_fixed for group in groups] == [0, 0, 3]
    assert groups[2].reason == "they are the model's output y"


def test_layers_whose_outputs_are_added_are_one_group(channels):
    groups = unit_groups(channels(_graph("b = Conv(x, wb) r = Add(a, b)"), {**_W, "wb": (4, 2, 1, 1)}).flow)

    assert [group.members for group in groups] == [("a", "b"), ("y",)]


def test_a_depthwise_layer_belongs_to_the_layer_that_makes_its_channels(channels):
    groups = unit_groups(channels(_graph("r = Conv<group=4>(a, wd)"), {**_W, "wd": (4, 1, 1, 1)}).flow)

    assert groups[0].members == ("a", "r")
    assert groups[0].units.tolist() == [1, 2, 3, 4]


def test_blocks_tie_a_convolution_in_groups_to_itself_and_to_nothing_else(channels):
    groups = unit_groups(channels(_graph("r = Conv<group=2>(a, wg)"), {**_W, "wg": (4, 2, 1, 1)}).flow)

    assert [group.members for group in groups] == [("a",), ("r",), ("y",)]
    assert [blocks.tolist() for blocks in groups[0].partitions] == [[[1, 2], [3, 4]]]
    assert [blocks.tolist() for blocks in groups[1].partitions] == [[[5, 6], [7, 8]]]


def test_blocks_that_mix_layers_make_them_one_group(channels):
    body = "b = Conv(x, wb) c = Concat<axis=1>(a, b) r = Conv<group=2>(c, wg)"
    groups = unit_groups(channels(_graph(body), {**_W, "wb": (2, 2, 1, 1), "wg": (4, 3, 1, 1)}).flow)

    assert groups[0].members == ("a", "b")
    assert groups[0].partitions[0].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_group_with_a_part_that_stays_says_why(channels):
    body = "s = Slice(a, zero, two, one) l = LRN<size=3>(s) c = Conv(l, wc) d = Conv(a, wd) r = Add(c, d)"
    places = {name: np.array([place]) for place, name in enumerate(("zero", "one", "two"))}
    flow = channels(_graph(body), {**_W, **places, "wc": (4, 2, 1, 1), "wd": (4, 4, 1, 1)}).flow
    group = unit_groups(flow)[0]

    assert group.units.tolist() == [3, 4]
    assert group.num_fixed == 2
    assert group.reason == "LRN l: channels are not followed through it"


def test_one_channel_at_least_of_every_tensor_is_needed(channels):
    flow = channels(_graph("p, q = Split<axis=1>(a) r = Concat<axis=1>(q, p)"), _W).flow

    needed = sorted(units.tolist() for units in needed_units(flow))
    assert needed == [[1, 2], [1, 2, 3, 4], [3, 4]]


def test_a_tensor_with_a_channel_that_stays_needs_no_other(channels):
    flow = channels(_graph("r = Concat<axis=1>(a, x)"), {**_W, "wy": (3, 6, 1, 1)}).flow

    assert [units.tolist() for units in needed_units(flow)] == [[1, 2, 3, 4]]
