"""95 % intervals that hold for few samples and for figures near 0 and 1."""

import math
from functools import lru_cache

Z95 = 1.959963984540054
# Beyond, the expansion in 1/degrees is exact to nine digits; below, the closed form is summed.
_MANY_DEGREES = 200


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


def mean_interval(mean: float, variance: float, count: int) -> tuple[float | None, float | None]:
    """Interval of a mean by Student's t; None for fewer than two samples.

    Args:
        mean: of the samples.
        variance: of the samples, with count − 1 in its denominator.
        count: number of samples.
    """
    if count < 2:
        return None, None
    half = student_t95(count - 1) * math.sqrt(variance / count)
    return mean - half, mean + half


@lru_cache(maxsize=1024)
def student_t95(degrees: int) -> float:
    """The t for which P(|T| ≤ t) is 95 %.

    >>> round(student_t95(4), 3)
    2.776

    Source: Abramowitz & Stegun 26.7.3 and 26.7.4, solved by bisection; 26.7.5 for many degrees of freedom.
    """
    if degrees > _MANY_DEGREES:
        return _expanded_t95(degrees)
    low, high = 0.0, 13.0  # 12.7 for one degree of freedom is the largest
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_mass(middle, degrees) < 0.95 else (low, middle)
    return (low + high) / 2


def _student_mass(t: float, degrees: int) -> float:
    """P(|T| ≤ t), a finite sum for whole degrees of freedom."""
    angle = math.atan(t / math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    if degrees == 1:
        return 2 * angle / math.pi
    is_odd = degrees % 2 == 1
    term = total = cosine if is_odd else 1.0
    for power in range(3 if is_odd else 2, degrees - 1, 2):
        term *= cosine**2 * (power - 1) / power
        total += term
    return 2 / math.pi * (angle + sine * total) if is_odd else sine * total


def _expanded_t95(degrees: int) -> float:
    z, d = Z95, degrees
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / d + g2 / d**2 + g3 / d**3


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    count = both + only_first + only_second + neither
    cross: float = both * neither - only_first * only_second
    if cross > 0:
        cross = max(0.0, cross - count / 2)
    return cross / math.sqrt(margins)
