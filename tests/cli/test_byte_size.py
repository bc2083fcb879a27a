"""Sizes on the command line."""

import click
import pytest

from workbench.cli.byte_size import ByteSize

_SIZES = {
    "140000": 140_000, "140kB": 140_000, "1.5 MiB": 1_572_864, "1MB": 1_000_000, ".5kb": 500, "640 B": 640,
}  # fmt: skip


@pytest.mark.parametrize("said", _SIZES)
def test_a_size_is_read_as_it_is_printed(said: str):
    assert ByteSize().convert(said, None, None) == _SIZES[said]


@pytest.mark.parametrize("said", ["", "small", "1.2.3", "-5", "5 apples", "nan", "1iB"])
def test_what_is_no_size_says_what_would_be_one(said: str):
    with pytest.raises(click.BadParameter, match="such as 140kB"):
        ByteSize().convert(said, None, None)


@pytest.mark.parametrize("said", ["0", "0.2", "0.0001kB"])
def test_less_than_a_byte_is_no_size(said: str):
    with pytest.raises(click.BadParameter, match="0 is not in the range"):
        ByteSize().convert(said, None, None)
