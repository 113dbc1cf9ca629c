"""Mean, standard deviation and interval of a metric over the folds of a cross-validation.

The folds share most of their training images, so their metrics are not independent, and no unbiased estimate of the
variance of their mean exists (Y. Bengio and Y. Grandvalet 2004, JMLR 5, 1089-1105). The usual t interval over folds is
too narrow. The corrected resampled t interval widens it by the ratio of test to training images (C. Nadeau and
Y. Bengio 2003, Machine Learning 52, 239-281; for repeated folds R. Bouckaert and E. Frank 2004, PAKDD). It is an
approximation, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

CONFIDENCE = 0.95
METHOD = "corrected resampled t (Nadeau and Bengio 2003)"


@dataclass(frozen=True)
class FoldSummary:
    """A metric over all folds and repeats.

    Attributes:
        mean: Plain mean over the folds; None if the metric is not defined in one of them.
        sd: Standard deviation with n - 1; None as for the mean.
        interval: Corrected resampled t interval of the mean, 95 %; None as for the mean, and if all folds are equal.
    """

    mean: float | None
    sd: float | None
    interval: tuple[float, float] | None


def summarise(values: Sequence[float | None], folds: int) -> FoldSummary:
    """Summarise a metric, a proportion from 0 to 1.

    Args:
        values: Its value in each fold of each repeat; None where it is not defined. At least two.
        folds: Number of folds in each repeat.

    Examples:
        >>> found = summarise([0.8, 0.9, 0.85, 0.95, 0.9], folds=5)
        >>> round(found.mean, 3), round(found.sd, 3), [round(bound, 3) for bound in found.interval]
        (0.88, 0.057, [0.774, 0.986])
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < len(values):
        return FoldSummary(None, None, None)
    mean, deviation = fmean(known), stdev(known)
    if deviation == 0:  # equal folds show that the metric is too coarse, not that its mean is certain
        return FoldSummary(mean, deviation, None)
    half = _half_width(deviation, len(known), folds)
    return FoldSummary(mean, deviation, (max(0.0, mean - half), min(1.0, mean + half)))


def _half_width(deviation: float, count: int, folds: int) -> float:
    """Return half the width of the interval; in each fold, the test set is 1 / (folds - 1) of the training set."""
    from scipy.stats import t

    variance = (1 / count + 1 / (folds - 1)) * deviation**2
    return float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * math.sqrt(variance)
