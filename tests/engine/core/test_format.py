"""Numbers for people: the unit changes where the smaller one would round up, and nothing shows a false sign."""

import pytest

from workbench.engine.core.format import (
    format_bytes,
    format_count,
    format_figure,
    format_fraction,
    format_interval,
    format_ms,
    format_points,
)
from workbench.engine.core.measurement import Figure, Origin


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "0.95 MiB"),
        (1 << 20, "1.00 MiB"),
    ],
)
def test_bytes_change_unit_without_a_jump(size_bytes: int, expected: str) -> None:
    assert format_bytes(size_bytes) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0 k"),
        (999_949, "999.9 k"),
        (999_950, "1.00 M"),
        (999_994_999, "999.99 M"),
        (999_995_000, "1.00 G"),
    ],
)
def test_counts_change_unit_where_the_smaller_would_round_up(count: int, expected: str) -> None:
    assert format_count(count) == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(0.0, "0.000 ms"), (0.9994, "0.999 ms"), (0.9996, "1.00 ms"), (9.996, "10.0 ms"), (99.96, "100 ms")],
)
def test_milliseconds_keep_about_three_digits(milliseconds: float, expected: str) -> None:
    assert format_ms(milliseconds) == expected


@pytest.mark.parametrize("tiny", [-0.0004, -0.0, 0.0, 0.0004])
def test_what_rounds_to_zero_points_has_no_sign(tiny: float) -> None:
    assert format_points(tiny) == "0.0 pp"


def test_minus_is_a_true_minus_everywhere() -> None:
    texts = [format_points(-0.5), format_bytes(-2_000), format_ms(-3.0), format_count(-20_000), format_fraction(-0.25)]

    assert all(text.startswith("\N{MINUS SIGN}") for text in texts)
    assert not any("-" in text for text in texts)


def test_number_and_unit_split_at_the_space() -> None:
    texts = [format_bytes(65_432), format_ms(1.5), format_fraction(0.81), format_points(0.01)]

    assert [text.partition(" ")[2] for text in texts] == ["kB", "ms", "%", "pp"]


def test_values_that_are_no_numbers_are_words_not_a_crash() -> None:
    assert format_fraction(float("nan")) == "unknown %"
    assert format_ms(float("inf")) == "∞ ms"


def test_a_figure_without_an_interval_has_none() -> None:
    assert format_interval(Figure(1.0, "ms", Origin.MEASURED)) == ""


def test_an_interval_over_two_units_names_both() -> None:
    figure = Figure(1e6, "bytes", Origin.ESTIMATED, 9e5, 2e6)

    assert format_interval(figure) == "900.0 kB … 1.91 MiB"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("ms", "+2.50 ms"), ("dB", "+2.50 dB"), ("nat", "+2.50 nat"), ("count", "+2"), ("fraction", "+250.0 pp")],
)
def test_a_difference_always_shows_its_sign(unit: str, expected: str) -> None:
    assert format_figure(Figure(2.5, unit, Origin.MEASURED), difference=True) == expected
