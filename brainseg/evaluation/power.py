"""How small a difference of two models a set of images can show, and how many images a difference needs.

The approximation for McNemar's test by R. J. Connor (1987), "Sample size for testing differences in proportions for the
paired-sample design", Biometrics 43, 207-211. Hand-written, since neither scipy nor scikit-learn has it.
"""

from __future__ import annotations

import math
from statistics import NormalDist

POWER = 0.8
"""Probability of a significant result if the difference is real."""
ALPHA = 0.05


def images_needed(difference: float, discordant: float, alpha: float = ALPHA) -> int | None:
    """Return how many images a two-sided McNemar test needs to show a difference with a probability of `POWER`.

    Args:
        difference: Difference of the two accuracies, -1..1.
        discordant: Proportion of images that only one of the models predicts correctly, 0..1.
        alpha: Level of the test.

    Returns:
        The number of images, which the test treats as independent; None without a difference, or if the difference
        exceeds the discordant proportion, which is impossible.

    Examples:
        >>> images_needed(0.1, 0.2), images_needed(0.02, 0.2), images_needed(0.0, 0.2)
        (155, 3923, None)
    """
    size = abs(difference)
    if not 0 < size <= discordant <= 1:
        return None
    normal = NormalDist()
    level, power = normal.inv_cdf(1 - alpha / 2), normal.inv_cdf(POWER)
    return math.ceil((level * math.sqrt(discordant) + power * math.sqrt(discordant - size**2)) ** 2 / size**2)


def smallest_difference(count: int, discordant: float, alpha: float = ALPHA) -> float | None:
    """Return the smallest difference that a number of images can show with a probability of `POWER`.

    Args:
        count: Number of images.
        discordant: Proportion of images that only one of the models predicts correctly, 0..1.
        alpha: Level of the test.

    Returns:
        A difference of accuracies, at most `discordant`; None if the images are too few for any.

    Examples:
        >>> round(smallest_difference(155, 0.2), 3), smallest_difference(10, 0.2)
        (0.1, None)
    """
    low, high = 0.0, discordant
    needed = images_needed(high, discordant, alpha)
    if needed is None or needed > count:
        return None
    while high - low > 1e-6:  # the number of images falls as the difference grows
        middle = (low + high) / 2
        needed = images_needed(middle, discordant, alpha)
        low, high = (low, middle) if needed is not None and needed <= count else (middle, high)
    return high
