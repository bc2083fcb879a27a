"""Numbers of channels that stay, and what that leaves of tensors: reckoned by hand."""

from dataclasses import replace

import pytest

from workbench.engine.core.channel_group import AxisChannels, ChannelGroup, CutTensor, ModelChannels


def _group(*class_sizes: int, **rest: object) -> ChannelGroup:
    return ChannelGroup("a", "filters", ("a",), class_sizes, **rest)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0.0, 10), (0.25, 8), (0.5, 5), (0.55, 5), (0.56, 4), (0.95, 1), (0.99, 1), (1.0, 1)],
)
def test_the_nearest_number_stays_and_one_at_least(ratio: float, expected: int):
    # Of 10: 7.5 and 4.5 lie half way, where the greater number stays.
    assert _group(10).units_kept(ratio) == (expected,)


def test_each_class_loses_the_same_share():
    assert _group(16, 8, 4).units_kept(0.5) == (8, 4, 2)


@pytest.mark.parametrize(
    ("size", "ratio", "multiple_of", "expected"),
    [(64, 0.3, 8, 48), (64, 0.99, 8, 8), (12, 0.5, 8, 8), (6, 0.5, 8, 3), (64, 0.0, 8, 64)],
    ids=["nearest", "least", "of few", "too few for one", "nothing goes"],
)
def test_a_multiple_stays_where_there_are_so_many(size: int, ratio: float, multiple_of: int, expected: int):
    # 64 · 0.7 = 44.8 lies nearer to 48 than to 40.
    assert _group(size).units_kept(ratio, multiple_of) == (expected,)


def test_a_multiple_of_channels_is_one_of_whole_heads():
    # Heads of 12 channels: 2 heads are 24 channels, the least multiple of 8.
    assert _group(6, channels_per_unit=12, has_heads=True).units_kept(0.5, 8) == (4,)


def test_a_multiple_fits_the_blocks_as_well():
    # Of 48 units in 3 blocks: multiples of 24.
    assert _group(48, blocks=3).units_kept(0.4, 8) == (24,)


def test_where_both_do_not_fit_blocks_come_first():
    assert _group(12, blocks=3).units_kept(0.5, 8) == (6,)


def test_one_of_each_block_stays():
    assert _group(12, blocks=4).units_kept(1.0) == (4,)


@pytest.fixture
def channels() -> ModelChannels:
    """A convolution of 8 filters, one that reads them, and a layer of 16 channels of which 4 always stay."""
    one = AxisChannels(0, (("a", 0, 1),))
    both = AxisChannels(4, (("a", 0, 1), ("b", 0, 1)))
    return ModelChannels(
        groups=(_group(8), ChannelGroup("b", "filters", ("b",), (4,), num_fixed=4, reason="they stay")),
        tensors=(
            CutTensor("wa", 8 * 3 * 9, 4, (one,)),
            CutTensor("wb", 16 * 8 * 9, 2, (both, one)),
        ),
        weights={"a": "wa", "b": "wb", "head": "whead"},
        outputs={"a": one, "b": both, "head": AxisChannels(10)},
        base_bytes=10_000,
    )


def test_a_tensor_keeps_the_product_of_its_axes_shares(channels: ModelChannels):
    # 6 of 8 rows; (4 + 6 + 2) of 16 rows times 6 of 8 columns.
    assert channels.shares({"a": (6,), "b": (2,)}) == {"wa": 0.75, "wb": 0.75 * 0.75}


def test_a_layer_keeps_what_its_weight_keeps(channels: ModelChannels):
    assert channels.layer_shares({"a": (4,)}) == {"a": 0.5, "b": 0.5 * 12 / 16, "head": 1.0}


def test_channels_that_always_stay_are_counted(channels: ModelChannels):
    assert channels.output_channels("b", {"a": (4,)}) == (12, 16)
    assert channels.output_channels("head", {"a": (4,)}) == (10, 10)


def test_the_file_loses_the_bytes_of_the_entries_that_go(channels: ModelChannels):
    # Half of 216 entries of 4 bytes, and 1 − 6/16 of 1,152 entries of 2 bytes.
    assert channels.file_bytes({"a": (4,)}) == 10_000 - 108 * 4 - 720 * 2
    assert channels.file_bytes({}) == 10_000


def test_the_file_gains_what_arguments_take_once_channels_go(channels: ModelChannels):
    # A reordering of 8 channels: 70 bytes, and 8 bytes for each of the 4 that stay.
    reordered = replace(channels, arguments=((AxisChannels(0, (("a", 0, 1),)), 70, 8),))

    assert reordered.file_bytes({"a": (4,)}) == channels.file_bytes({"a": (4,)}) + 70 + 4 * 8
    assert reordered.file_bytes({"b": (2,)}) == channels.file_bytes({"b": (2,)})


def test_a_group_is_found_by_its_name(channels: ModelChannels):
    assert channels.group("b") is channels.groups[1]
    assert channels.group("c") is None
