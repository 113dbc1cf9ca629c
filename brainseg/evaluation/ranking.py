"""How well a score ranks positives above negatives: counts at every threshold, curves and areas from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Ranking:
    """Counts of true and false positives at each threshold.

    Cases with the same score share one threshold: no order among them can be told, so none is made up.

    Attributes:
        thresholds: The distinct scores, falling; float64 of shape (thresholds,). A case counts as positive if its
            score is at or above the threshold.
        tps: True positives at each threshold, int64 of shape (thresholds,).
        fps: False positives at each threshold, int64 of shape (thresholds,).
    """

    thresholds: np.ndarray
    tps: np.ndarray
    fps: np.ndarray

    @property
    def positives(self) -> int:
        """How many cases are positive."""
        return int(self.tps[-1]) if self.tps.size else 0

    @property
    def negatives(self) -> int:
        """How many cases are negative."""
        return int(self.fps[-1]) if self.fps.size else 0


def rank(positive: np.ndarray, scores: np.ndarray) -> Ranking:
    """Count true and false positives at every distinct score.

    Args:
        positive: Whether each case is truly positive, bool of shape (rows,).
        scores: The score of each case, float of shape (rows,); higher means more positive.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.ones(ordered.size, dtype=bool)
    last_of_tie[:-1] = ordered[1:] != ordered[:-1]
    ends = np.flatnonzero(last_of_tie)
    tps = np.cumsum(positive[order], dtype=np.int64)[ends]
    return Ranking(thresholds=ordered[ends], tps=tps, fps=ends + 1 - tps)


def roc_auc(ranking: Ranking) -> float:
    """Return the area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Sums trapezoids in whole numbers, which is the Mann-Whitney statistic (Hanley and McNeil 1982, Radiology 143,
    29-36). NaN if there are no positives or no negatives.
    """
    if not ranking.positives or not ranking.negatives:
        return math.nan
    widths = np.diff(ranking.fps, prepend=0)
    heights = ranking.tps + np.concatenate([[0], ranking.tps[:-1]])
    return float(np.dot(widths, heights) / (2 * ranking.positives * ranking.negatives))


def average_precision(ranking: Ranking) -> float:
    """Return the average precision: the sum over thresholds of (gain in recall) x precision, without interpolation.

    Interpolating between points of a precision-recall curve is too optimistic (Davis and Goadrich 2006, ICML). NaN if
    there are no positives; also if there are no negatives, as every ranking would then score 1.
    """
    if not ranking.positives or not ranking.negatives:
        return math.nan
    gains = np.diff(ranking.tps, prepend=0)
    return float(np.dot(gains, ranking.tps / (ranking.tps + ranking.fps)) / ranking.positives)


def roc_points(ranking: Ranking) -> pd.DataFrame:
    """Return the corners of the ROC curve, from (0, 0) at an infinite threshold to (1, 1).

    Points between two corners on a straight line are left out: they change neither the drawing nor the area.
    """
    tps = np.concatenate([[0], ranking.tps])
    fps = np.concatenate([[0], ranking.fps])
    thresholds = np.concatenate([[np.inf], ranking.thresholds])
    corner = np.ones(tps.size, dtype=bool)
    # Only neighbours with equal steps are dropped, and the first real threshold never is.
    corner[2:-1] = (np.diff(fps[1:], 2) != 0) | (np.diff(tps[1:], 2) != 0)
    return pd.DataFrame(
        {
            "fpr": _share(fps[corner], ranking.negatives),
            "tpr": _share(tps[corner], ranking.positives),
            "threshold": thresholds[corner],
        }
    )


def pr_points(ranking: Ranking) -> pd.DataFrame:
    """Return the precision-recall curve, recall rising, led by the customary (recall 0, precision 1) point.

    The last point calls every case positive, so that its precision is the prevalence.
    """
    precision = np.concatenate([[1.0], ranking.tps / (ranking.tps + ranking.fps)])
    recall = _share(np.concatenate([[0], ranking.tps]), ranking.positives)
    thresholds = np.concatenate([[np.inf], ranking.thresholds])
    return pd.DataFrame({"recall": recall, "precision": precision, "threshold": thresholds})


def _share(counts: np.ndarray, total: int) -> np.ndarray:
    """Return counts as fractions of `total`, NaN throughout if that is 0."""
    return counts / total if total else np.full(counts.shape, math.nan)
