"""The metrics of a classifier: plain numbers that can be stored as JSON."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainseg.evaluation.stored import ClassificationEvaluation


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of one class against all others.

    Attributes:
        tp: Images of the class that were predicted as it.
        fp: Images of other classes that were predicted as it.
        fn: Images of the class that were predicted as another.
        tn: Images of other classes that were not predicted as it.
        support: Images of the class, tp + fn.
        precision: tp / (tp + fp); NaN if the class was never predicted.
        sensitivity: tp / (tp + fn), also called recall; NaN without images of the class.
        specificity: tn / (tn + fp); NaN without images of other classes.
        f1: 2 tp / (2 tp + fp + fn); NaN if the class neither occurs nor was predicted.
        roc_auc: Area under the ROC curve; NaN unless there are images of the class and of others.
        pr_auc: Average precision; NaN unless there are images of the class and of others.
        intervals: Wilson 95 % interval of `precision`, `sensitivity` and `specificity`, as (low, high).
    """

    tp: int
    fp: int
    fn: int
    tn: int
    support: int
    precision: float
    sensitivity: float
    specificity: float
    f1: float
    roc_auc: float
    pr_auc: float
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class ClassificationReport:
    """All metrics of one table of predictions.

    `precision`, `sensitivity`, `specificity`, `f1`, `roc_auc` and `pr_auc` are those of the class `positive`, or
    unweighted means over all classes if `positive` is None. Undefined values are NaN.

    Attributes:
        count: Number of images.
        accuracy: Proportion of images whose class was predicted correctly.
        balanced_accuracy: Mean sensitivity over all classes.
        matthews: Matthews correlation coefficient, -1..1; 0 if all images are, or are predicted as, one class.
        precision: Proportion of the images predicted positive that are positive.
        sensitivity: Proportion of the positive images that were found.
        specificity: Proportion of the negative images that were predicted negative.
        f1: Harmonic mean of precision and sensitivity.
        roc_auc: Area under the ROC curve (one class against the rest).
        pr_auc: Average precision (one class against the rest).
        mean_loss: Mean cross-entropy of the true class, nats.
        per_class: Class name -> its metrics against the rest, in class order.
        matrix: Confusion matrix, int64 of shape (classes, classes): rows actual, columns predicted.
        intervals: 95 % interval (low, high) of each metric, or None: Wilson's for `accuracy` and, with a positive
            class, `precision`, `sensitivity` and `specificity`; for all others by bootstrap over groups, where these
            are known.
        classes: Class names, in order.
        positive: The class of the headline metrics, or None.
    """

    count: int
    accuracy: float
    balanced_accuracy: float
    matthews: float
    precision: float
    sensitivity: float
    specificity: float
    f1: float
    roc_auc: float
    pr_auc: float
    mean_loss: float
    per_class: dict[str, ClassMetrics]
    matrix: np.ndarray
    intervals: dict[str, tuple[float, float] | None]
    classes: tuple[str, ...]
    positive: str | None

    def to_dict(self) -> ClassificationEvaluation:
        """Return the report as JSON values: lists for arrays and intervals, None for NaN."""
        values: ClassificationEvaluation = plain(dataclasses.asdict(self))
        return values


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of a report
    """Return nested values as JSON values: lists for arrays and tuples, None for NaN and for an interval of NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and value and all(isinstance(end, float) and math.isnan(end) for end in value):
        return None
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value
