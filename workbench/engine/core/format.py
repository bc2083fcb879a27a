"""One way to write each kind of number for people; the window, the command line and the report all use it.

Between number and unit stands a plain space, so that `text.partition(" ")` splits them. Negative numbers
carry a true minus sign (U+2212), which lines up with the digits.
"""

import math
from collections.abc import Mapping

from workbench.engine.core.measurement import Figure

_MINUS = "\N{MINUS SIGN}"
_MEBIBYTE = 1 << 20
_METRIC_NAMES = {"psnr": "PSNR", "miou": "Mean IoU", "agreement": "Agreement with the original"}
_LEAST_MS = 0.001


def format_bytes(size_bytes: float) -> str:
    """A size on disk: bytes, kB of 1,000 bytes, and from a million bytes on MiB of 1,048,576 bytes.

    >>> format_bytes(640), format_bytes(65_432), format_bytes(46_837_760)
    ('640 B', '65.4 kB', '44.67 MiB')
    >>> format_bytes(-65_432)
    '−65.4 kB'
    """
    magnitude = abs(size_bytes)
    if magnitude < 1_000:
        return f"{_number(size_bytes, 0)} B"
    if magnitude < 999_950:
        return f"{_number(size_bytes / 1_000, 1)} kB"
    mebibytes = size_bytes / _MEBIBYTE
    return f"{_number(mebibytes, 2 if abs(mebibytes) < 100 else 1)} MiB"


def format_fraction(fraction: float, decimals: int = 1) -> str:
    """A fraction 0…1 as per cent.

    >>> format_fraction(0.81), format_fraction(1.0), format_fraction(0.12345, 2)
    ('81.0 %', '100.0 %', '12.35 %')
    """
    return f"{_number(100 * fraction, decimals)} %"


def format_share(fraction: float | None) -> str:
    """A fraction as per cent, or a dash where it is unknown.

    >>> format_share(0.5), format_share(None)
    ('50.0 %', '–')
    """
    return "–" if fraction is None else format_fraction(fraction)


def format_points(difference: float, decimals: int = 1) -> str:
    """A difference of two fractions, in percentage points, always with its sign.

    >>> format_points(-0.012), format_points(0.004), format_points(-0.0001)
    ('−1.2 pp', '+0.4 pp', '0.0 pp')
    """
    return f"{_signed(100 * difference, decimals)} pp"


def format_ms(milliseconds: float) -> str:
    """A duration given in milliseconds, to about three digits; in microseconds where fewer than one would be left.

    >>> format_ms(0.0421), format_ms(8.314), format_ms(12.62), format_ms(1305.2), format_ms(0.00042)
    ('0.042 ms', '8.31 ms', '12.6 ms', '1,305 ms', '0.42 µs')
    """
    if 0 < milliseconds < _LEAST_MS:
        return f"{_number(1000 * milliseconds, 2)} µs"
    return f"{_number(milliseconds, _decimals_for_three_digits(milliseconds))} ms"


def format_duration(seconds: float) -> str:
    """A time that people wait for, in whole seconds, minutes or hours.

    >>> format_duration(0.2), format_duration(89.4), format_duration(600), format_duration(9000)
    ('1 s', '89 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def format_count(count: float) -> str:
    """How many there are of something: exact below ten thousand, then in k, M, G (powers of 1,000).

    >>> format_count(1_728), format_count(23_456), format_count(11_689_512), format_count(1_814_073_344)
    ('1,728', '23.5 k', '11.69 M', '1.81 G')
    """
    magnitude = abs(count)
    if magnitude < 10_000:
        return _number(count, 0)
    # The limits are where the smaller unit would round up to 1,000.
    if magnitude < 999_950:
        return f"{_number(count / 1e3, 1)} k"
    if magnitude < 999_995_000:
        return f"{_number(count / 1e6, 2)} M"
    return f"{_number(count / 1e9, 2)} G"


def format_magnitude(value: float) -> str:
    """A weight, or a threshold of weights: four digits, never with an exponent.

    >>> format_magnitude(0.034754), format_magnitude(1.5), format_magnitude(0.0000123449), format_magnitude(0)
    ('0.03475', '1.500', '0.00001234', '0')
    """
    return _number(value, magnitude_decimals(value)) if value else "0"


def magnitude_decimals(value: float) -> int:
    """How many decimals show four digits of a weight; at most 12, which is finer than float32 needs.

    >>> magnitude_decimals(0.034754), magnitude_decimals(1.5), magnitude_decimals(25_000.0)
    (5, 3, 0)
    """
    if not value or not math.isfinite(value):
        return 3
    return max(0, min(12, 3 - math.floor(math.log10(abs(value)))))


def format_metric(metric: str) -> str:
    """What a metric is called where its figure stands; without one, what is measured where there are labels.

    >>> format_metric("top1"), format_metric("psnr"), format_metric("agreement"), format_metric("")
    ('Accuracy (top1)', 'PSNR', 'Agreement with the original', 'Accuracy')
    """
    if not metric:
        return "Accuracy"
    return _METRIC_NAMES.get(metric, f"Accuracy ({metric})")


# What is compared where most positions of an output are background.
FOUND_AGREEMENT = "Agreement where the original finds something"


def format_settings(settings: Mapping[str, object]) -> str:
    """Named settings on one line; "" where there are none.

    >>> format_settings({"scale": 1 / 255, "mean": (0.5, 0.25), "layout": "nchw"})
    'scale 0.00392157, mean 0.5 0.25, layout nchw'
    """
    return ", ".join(f"{name} {_setting(value)}" for name, value in settings.items())


def _setting(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(_setting(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def format_figure(figure: Figure, *, difference: bool = False) -> str:
    """The value of a figure in its own unit.

    Args:
        figure: what to write.
        difference: it is the difference of two figures: fractions become percentage points, all get a sign.

    >>> from workbench.engine.core.measurement import Origin
    >>> format_figure(Figure(0.81, "fraction", Origin.MEASURED))
    '81.0 %'
    """
    return _value(figure.value, figure.unit, difference=difference)


def format_interval(figure: Figure, *, difference: bool = False) -> str:
    """The 95 % interval of a figure; empty where it has none.

    Args:
        figure: what to write.
        difference: as in `format_figure`.

    >>> from workbench.engine.core.measurement import Origin
    >>> format_interval(Figure(0.81, "fraction", Origin.MEASURED, 0.7989, 0.8208, 5000))
    '79.9 … 82.1 %'
    >>> format_interval(Figure(-0.012, "fraction", Origin.MEASURED, -0.02, 0.001, 500), difference=True)
    '−2.0 … +0.1 pp'
    """
    if figure.low is None or figure.high is None:
        return ""
    low = _value(figure.low, figure.unit, difference=difference)
    high = _value(figure.high, figure.unit, difference=difference)
    low_number, _, low_unit = low.partition(" ")
    return f"{low_number} … {high}" if low_unit == high.partition(" ")[2] else f"{low} … {high}"


def format_with_interval(figure: Figure, *, difference: bool = False) -> str:
    """A figure and its interval, where it has one, with how sure that is; arguments as in `format_figure`.

    >>> from workbench.engine.core.measurement import Origin
    >>> format_with_interval(Figure(0.81, "fraction", Origin.MEASURED, 0.7989, 0.8208, 5000))
    '81.0 % (95 %: 79.9 … 82.1 %)'
    """
    interval = format_interval(figure, difference=difference)
    value = format_figure(figure, difference=difference)
    return f"{value} ({figure.level} %: {interval})" if interval else value


def format_nan(num_nan: int, total: int) -> str:
    """How many outputs hold NaN; "" where none does.

    >>> format_nan(3, 50), format_nan(0, 50)
    ('3 of 50 outputs hold NaN', '')
    """
    return f"{num_nan:,} of {total:,} outputs hold NaN" if num_nan else ""


def format_ratio(ratio: Figure) -> str:
    """A time as a fraction of the original's; that nothing is to be seen, where the interval holds 1 or is unknown.

    >>> from workbench.engine.core.measurement import Origin
    >>> format_ratio(Figure(0.55, "fraction", Origin.MEASURED, 0.53, 0.57, 20))
    "55.0 % of the original's time (53.0 … 57.0 %)"
    >>> format_ratio(Figure(0.98, "fraction", Origin.MEASURED, 0.93, 1.04, 20))
    'no difference seen (93.0 … 104.0 %)'
    """
    interval = format_interval(ratio)
    if ratio.low is None or ratio.high is None:
        return "no difference seen (too few rounds)"
    if ratio.low <= 1 <= ratio.high:
        return f"no difference seen ({interval})"
    return f"{format_figure(ratio)} of the original's time ({interval})"


def _value(value: float, unit: str, *, difference: bool) -> str:
    if unit == "fraction":
        return format_points(value) if difference else format_fraction(value)
    if unit == "ms":
        text = format_ms(value)
    elif unit == "bytes":
        text = format_bytes(value)
    elif unit == "count":
        text = format_count(value)
    else:
        text = f"{_number(value, _decimals_for_three_digits(value))} {unit}"
    return f"+{text}" if difference and value > 0 else text


def _decimals_for_three_digits(value: float) -> int:
    magnitude = abs(value)
    if magnitude < 0.9995:
        return 3
    if magnitude < 9.995:
        return 2
    return 1 if magnitude < 99.95 else 0


def _number(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else f"{_MINUS if value < 0 else ''}∞"
    text = f"{value:,.{decimals}f}"
    if not text.startswith("-"):
        return text
    # What rounds to zero has no sign: "−0.0" would claim a loss that is not shown.
    return text.replace("-", _MINUS) if text.strip("-0.,") else text[1:]


def _signed(value: float, decimals: int) -> str:
    text = _number(value, decimals)
    is_positive = value > 0 and bool(text.strip("0.,"))
    return f"+{text}" if is_positive else text
