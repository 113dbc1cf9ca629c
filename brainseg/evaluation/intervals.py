"""Confidence intervals for proportions."""

from __future__ import annotations

import math
import operator

import scipy


def wilson(successes: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, without continuity correction.

    Unlike the textbook interval "p plus or minus 1.96 standard errors", it never leaves 0..1, is not empty at 0 or
    100 %, and stays close to its nominal coverage for the few dozen images of a typical validation set. It treats the
    trials as independent: with several slices per patient, the true uncertainty is larger than the interval.

    Args:
        successes: Number of successful trials.
        total: Number of trials.
        confidence: The intended coverage, strictly between 0 and 1.

    Returns:
        The lower and the upper bound, both in 0..1; (nan, nan) without trials.

    Raises:
        ValueError: A count is not a whole number or is below 0, `successes` exceeds `total`, or `confidence` is not
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
    bounds = scipy.stats.binomtest(successes, total).proportion_ci(confidence, method="wilson")
    return max(0.0, float(bounds.low)), min(1.0, float(bounds.high))


def _whole(name: str, value: int) -> int:
    """Return a count as a plain int; refuse anything else."""
    try:
        count = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}.") from None
    if count < 0:
        raise ValueError(f"{name} must not be negative, got {count}.")
    return count
