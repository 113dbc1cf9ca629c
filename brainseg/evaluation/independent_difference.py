"""The interval of the difference of two metrics that were measured on different images."""

from __future__ import annotations

import math

Bounds = tuple[float, float]


def difference_interval(first: float, first_interval: Bounds, second: float, second_interval: Bounds) -> Bounds:
    """Return the 95 % interval of `first - second` from the 95 % intervals of both, if these are independent.

    For two proportions with Wilson intervals this is the interval of Newcombe; for other metrics it is the method of
    variance estimates recovery (MOVER).

    Args:
        first: A metric.
        first_interval: Its interval.
        second: The same metric on other images, with no patient and no copy in common.
        second_interval: Its interval.

    References:
        R. G. Newcombe (1998), "Interval estimation for the difference between independent proportions", Statistics in
        Medicine 17, 873-890, method 10; G. Y. Zou and A. Donner (2008), "Construction of confidence limits about effect
        measures", Statistics in Medicine 27, 1693-1702.

    Examples:
        Newcombe's example, 56 of 70 against 48 of 80:

        >>> from brainseg.evaluation.intervals import wilson
        >>> low, high = difference_interval(56 / 70, wilson(56, 70), 48 / 80, wilson(48, 80))
        >>> round(low, 4), round(high, 4)
        (0.0524, 0.3339)
    """
    difference = first - second
    below = math.hypot(first - first_interval[0], second_interval[1] - second)
    above = math.hypot(first_interval[1] - first, second - second_interval[0])
    return difference - below, difference + above
