"""Whether uncertainty tells wrong answers from right ones."""

from __future__ import annotations

import numpy as np
from typing_extensions import TypedDict

from brainseg.evaluation.bootstrap import drawn, percentiles
from brainseg.evaluation.ranking import Ranking, roc_auc
from brainseg.models.validation import Interval

SEED = 0
"""Seed of the bootstrap."""


class ErrorDetection(TypedDict):
    """How well one measure of uncertainty detects wrong answers.

    Attributes:
        auc: Probability that a wrong answer is more uncertain than a right one; None without both.
        interval: Its 95 % interval, by bootstrap over groups; None where there is none.
        mean_right: Mean of the measure over right answers; None without any.
        mean_wrong: Mean of the measure over wrong answers; None without any.
    """

    auc: float | None
    interval: Interval
    mean_right: float | None
    mean_wrong: float | None


def error_detection(uncertainty: np.ndarray, wrong: np.ndarray, groups: np.ndarray) -> ErrorDetection:
    """Compare an uncertainty of wrong answers with that of right ones.

    Args:
        uncertainty: (N,) float, larger means less certain.
        wrong: (N,) bool, whether the answer is wrong.
        groups: (N,) int, images with the same number are not independent.

    Examples:
        >>> error_detection(np.array([0.1, 0.2, 0.6]), np.array([False, False, True]), np.arange(3))["auc"]
        1.0
    """
    auc = roc_auc(Ranking(wrong, uncertainty))
    return {
        "auc": None if np.isnan(auc) else auc,
        "interval": None if np.isnan(auc) else _interval(uncertainty, wrong, groups),
        "mean_right": _mean(uncertainty[~wrong]),
        "mean_wrong": _mean(uncertainty[wrong]),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _interval(uncertainty: np.ndarray, wrong: np.ndarray, groups: np.ndarray) -> Interval:
    codes = np.unique(groups, return_inverse=True)[1]
    count = int(codes.max()) + 1
    if count < 2:
        return None
    # Of each pair of a wrong and a right answer: 1 if the wrong one is more uncertain, 0.5 for a tie.
    above = np.sign(uncertainty[wrong][:, None] - uncertainty[~wrong][None]) / 2 + 0.5
    times = drawn(count, SEED)[:, codes].astype(np.float64)
    mine, its = times[:, wrong], times[:, ~wrong]
    pairs = mine.sum(axis=1) * its.sum(axis=1)
    wins = np.einsum("di,ij,dj->d", mine, above, its, optimize=True)
    values = np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)
    bounds = percentiles(values)
    return bounds if bounds and bounds[0] < bounds[1] else None
