"""95 % intervals that hold for few samples and for figures near 0 and 1."""

import math

Z95 = 1.959963984540054


def wilson_interval(successes: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a proportion by Wilson's score method.

    >>> low, high = wilson_interval(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)

    Source: Wilson 1927; the example is that of Newcombe 1998 (Stat. Med. 17:857), table I, method 3.
    """
    if count == 0:
        return 0.0, 1.0
    share = successes / count
    centre = 2 * count * share + z * z
    half = z * math.sqrt(z * z + 4 * count * share * (1 - share))
    low, high = (centre - half) / (2 * (count + z * z)), (centre + half) / (2 * (count + z * z))
    return max(0.0, low) if successes else 0.0, min(1.0, high) if successes < count else 1.0


def paired_difference_interval(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Interval of the difference of two proportions on the same samples: first minus second.

    Args:
        both: samples on which both succeed.
        only_first: samples on which only the first succeeds.
        only_second: samples on which only the second succeeds.
        neither: samples on which none succeeds.

    Source: Newcombe 1998 (Stat. Med. 17:2635), method 10: Wilson limits squared and added, with the
    correlation phi, corrected for continuity where it is positive.
    """
    count = both + only_first + only_second + neither
    if count == 0:
        return -1.0, 1.0
    first, second = both + only_first, both + only_second
    difference = (only_first - only_second) / count
    low1, high1 = wilson_interval(first, count)
    low2, high2 = wilson_interval(second, count)
    phi = _phi(both, only_first, only_second, neither)
    p1, p2 = first / count, second / count
    down1, up1, down2, up2 = p1 - low1, high1 - p1, p2 - low2, high2 - p2
    below = math.sqrt(max(0.0, down1**2 - 2 * phi * down1 * up2 + up2**2))
    above = math.sqrt(max(0.0, down2**2 - 2 * phi * down2 * up1 + up1**2))
    return difference - below, difference + above


def mean_interval(total: float, total_squares: float, count: int) -> tuple[float | None, float | None]:
    """Interval of a mean, by Student's t; None for fewer than two samples.

    Source: the t quantile by the expansion of Abramowitz & Stegun 26.7.5, exact to 0.1 % from 4 degrees on.
    """
    if count < 5:
        return None, None
    mean = total / count
    variance = max(0.0, (total_squares - count * mean * mean) / (count - 1))
    half = _t95(count - 1) * math.sqrt(variance / count)
    return mean - half, mean + half


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    count = both + only_first + only_second + neither
    cross = both * neither - only_first * only_second
    if cross > 0:
        cross = max(0, cross - count / 2)  # type: ignore[assignment] # halves are fine here
    return cross / math.sqrt(margins)


def _t95(degrees: int) -> float:
    z, d = Z95, degrees
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / d + g2 / d**2 + g3 / d**3
