import pytest

from workbench.engine.core.scale_blocks import ScaleBlocks, rows_are_channels, scale_blocks


@pytest.mark.parametrize(
    ("shape", "axis", "size", "expected"),
    [
        ((64, 128), 0, 32, ScaleBlocks(1, 32, (64, 4))),
        ((128, 64), 1, 32, ScaleBlocks(0, 32, (4, 64))),
        ((3, 100, 64), 2, 32, ScaleBlocks(1, 32, (3, 4, 64))),
        ((64, 128, 1, 1), 0, 48, ScaleBlocks(1, 48, (64, 3, 1, 1))),
        ((8, 1, 1, 9), 0, 4, ScaleBlocks(3, 4, (8, 1, 1, 3))),
        ((8, 5, 3, 4), 0, 2, ScaleBlocks(3, 2, (8, 5, 3, 2))),
        ((48, 8, 2, 2), 1, 32, ScaleBlocks(0, 32, (2, 8, 2, 2))),
        ((16, 8), 0, 32, ScaleBlocks(1, 8, (16, 1))),
        ((1, 8, 2, 2), 1, 32, ScaleBlocks(0, 1, (1, 8, 2, 2))),
    ],
    ids=[
        "Gemm transposed", "MatMul", "MatMul of three, shorter last", "1×1 Conv, shorter last", "a row Conv",
        "blocks that divide the kernel's row", "ConvTranspose", "a group for the whole row", "single weights",
    ],
)  # fmt: skip
def test_groups_of_a_row_are_blocks_along_one_axis(shape: tuple[int, ...], axis: int, size: int, expected: ScaleBlocks):
    assert scale_blocks(shape, axis, size) == expected


@pytest.mark.parametrize(
    ("shape", "size"),
    [((64, 128, 3, 3), 32), ((64, 128, 3, 3), 9), ((64, 1, 3, 3), 32), ((64,), 2)],
    ids=["across kernels", "one kernel", "a whole kernel", "a vector"],
)
def test_groups_over_several_axes_are_no_blocks(shape: tuple[int, ...], size: int):
    assert scale_blocks(shape, 0, size) is None


def test_a_scale_a_row_is_one_a_channel_unless_a_channel_has_several_rows():
    assert rows_are_channels((64, 1, 3, 3), 0)
    assert rows_are_channels((128, 64), 1)
    assert not rows_are_channels((3, 128, 64), 2)
    assert not rows_are_channels((48, 8, 2, 2), 1)
