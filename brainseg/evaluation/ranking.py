"""Areas and curves that show how well a score ranks positives above negatives: scikit-learn with our NaN policy."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.evaluation.undefined import where_defined


@dataclass(frozen=True)
class Ranking:
    """The scores of cases for one class.

    Attributes:
        positive: Whether each case is truly positive, bool of shape (rows,).
        scores: The score of each case, float of shape (rows,); higher means more positive.
    """

    positive: np.ndarray
    scores: np.ndarray

    @property
    def has_both(self) -> bool:
        """Whether there are positives and negatives."""
        return bool(self.positive.any() and not self.positive.all())


def roc_auc(ranking: Ranking) -> float:
    """Return the area under the ROC curve: the probability that a positive scores above a negative; ties count half.

    This is the Mann-Whitney statistic (Hanley and McNeil 1982, Radiology 143, 29-36). NaN if there are no positives or
    no negatives.

    >>> roc_auc(Ranking(np.array([True, True, False]), np.array([0.9, 0.4, 0.4])))
    0.75
    """
    from sklearn.metrics import roc_auc_score

    return where_defined(ranking.has_both, lambda: roc_auc_score(ranking.positive, ranking.scores))


def average_precision(ranking: Ranking) -> float:
    """Return the average precision: the sum over thresholds of (gain in recall) x precision, without interpolation.

    Interpolating between points of a precision-recall curve is too optimistic (Davis and Goadrich 2006, ICML). NaN if
    there are no positives, or no negatives, since every ranking would then score 1.

    >>> average_precision(Ranking(np.array([True, False]), np.array([0.2, 0.8])))
    0.5
    """
    from sklearn.metrics import average_precision_score

    return where_defined(ranking.has_both, lambda: average_precision_score(ranking.positive, ranking.scores))


def roc_points(ranking: Ranking) -> pd.DataFrame:
    """Return the corners of the ROC curve, from (0, 0) at an infinite threshold to (1, 1).

    Points on a straight line between two corners are left out, since they change neither the plot nor the area.

    Returns:
        Columns `fpr` and `tpr` (rising; NaN without negatives or positives) and `threshold`.
    """
    from sklearn.metrics import roc_curve

    fpr, tpr, thresholds = np.zeros(1), np.zeros(1), np.array([np.inf])
    if len(ranking.positive):
        with _quiet():
            fpr, tpr, thresholds = roc_curve(ranking.positive, ranking.scores)
    return pd.DataFrame(
        {
            "fpr": np.full(len(fpr), math.nan) if ranking.positive.all() else fpr,
            "tpr": tpr if ranking.positive.any() else np.full(len(tpr), math.nan),
            "threshold": thresholds,
        }
    )


def pr_points(ranking: Ranking) -> pd.DataFrame:
    """Return the precision-recall curve by rising recall, from the customary point with recall 0 and precision 1.

    At the last point, every case counts as positive, so the precision is the prevalence.

    Returns:
        Columns `recall` (NaN without positives), `precision` and `threshold`.
    """
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = np.ones(1), np.zeros(1), np.zeros(0)
    if len(ranking.positive):
        with _quiet():
            precision, recall, thresholds = precision_recall_curve(ranking.positive, ranking.scores)
    return pd.DataFrame(
        {
            "recall": recall[::-1] if ranking.positive.any() else np.full(len(recall), math.nan),
            "precision": precision[::-1],
            "threshold": np.concatenate([[np.inf], thresholds[::-1]]),
        }
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide scikit-learn's warnings about tables with only one class; the result is NaN there."""
    from sklearn.exceptions import UndefinedMetricWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.filterwarnings("ignore", "No positive class found")
        yield
