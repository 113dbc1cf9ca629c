"""Confidence intervals for proportions."""

from __future__ import annotations

import math
import operator
from statistics import NormalDist


def wilson(successes: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, without continuity correction.

    Unlike the textbook "p plus or minus 1.96 standard errors" it never leaves 0..1, is not empty at 0 or 100 %, and
    keeps close to its nominal coverage for the few dozen images that a validation set often has. It takes the trials
    as independent: with several slices of one patient the true uncertainty is larger than the interval says.

    Args:
        successes: How many of the trials came out right.
        total: How many trials there were.
        confidence: The coverage aimed for, strictly between 0 and 1.

    Returns:
        The lower and the upper bound, both in 0..1; (nan, nan) if there were no trials.

    Raises:
        ValueError: A count is not a whole number or below 0, `successes` exceeds `total`, or `confidence` is not
            strictly between 0 and 1.

    References:
        E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22, 209-212;
        recommended for small samples by Brown, Cai and DasGupta (2001), Statistical Science 16, 101-133.

    Examples:
        >>> [round(bound, 3) for bound in wilson(44, 50)]
        [0.762, 0.944]
    """
    successes, total = _whole("successes", successes), _whole("total", total)
    if successes > total:
        raise ValueError(f"successes must not exceed total, got {successes} of {total}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence!r}.")
    if total == 0:
        return math.nan, math.nan
    # The upper quantile as minus the lower one: 0.5 + confidence / 2 would round to 1 for a confidence next to 1.
    z = -NormalDist().inv_cdf((1 - confidence) / 2)
    proportion = successes / total
    shrink = 1 + z * z / total
    centre = (proportion + z * z / (2 * total)) / shrink
    half = z / shrink * math.sqrt(proportion * (1 - proportion) / total + z * z / (4 * total * total))
    # At 0 and at `total` successes one bound is 0 or 1 exactly; rounding would leave it 1e-17 off.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return low, high


def _whole(name: str, value: int) -> int:
    """Return a count as a plain int, or refuse it."""
    try:
        count = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}.") from None
    if count < 0:
        raise ValueError(f"{name} must not be negative, got {count}.")
    return count
