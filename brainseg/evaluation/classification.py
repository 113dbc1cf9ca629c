"""Judging a classifier from its table of predictions: count once, derive every metric from the counts.

A predictions table has one row per image and the columns `path`, `group`, `label` (true class), `prediction` (class
that the model chose), `loss` (cross-entropy of the true class, nats) and one `p_<class>` (probability, 0..1) per class.

What is undefined is NaN, never 0: sensitivity without a case of the class, precision if the class was never predicted,
an area under a curve if only one class is there. A mean over classes is NaN as soon as one of its parts is, so that a
model cannot gain by never naming a class. scikit-learn differs there: its `balanced_accuracy_score` leaves absent
classes out. The one exception is Matthews' coefficient, 0 by convention if its denominator is 0, as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation import ranking
from brainseg.evaluation.checks import check_classes, class_codes, losses, probabilities
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.report import ClassificationReport, ClassMetrics


def evaluate(table: pd.DataFrame, classes: Sequence[str], positive: str | None) -> ClassificationReport:
    """Compute every classification metric of one table of predictions.

    Args:
        table: Predictions, one row per image (columns: see above); may be empty, which makes every metric NaN.
        classes: All class names, in the model's order.
        positive: The class that precision, sensitivity, specificity, F1 and the areas are about (the tumour class).
            None makes these the unweighted (macro) mean over all classes; with more than two classes that is the only
            choice.

    Returns:
        The report, whose Wilson intervals are for 95 % confidence.

    Raises:
        ValueError: `classes` or `positive` do not fit together, a column is missing, a name is not in `classes`, a
            probability is not finite or outside 0..1, or a loss is not finite. The message names the column and value.
    """
    classes = check_classes(classes)
    _check_positive(positive, classes)
    matrix = confusion_matrix(table, classes)
    actual, scores, loss = class_codes(table, "label", classes), probabilities(table, classes), losses(table)
    per_class = {
        name: _class_metrics(matrix, code, ranking.rank(actual == code, scores[:, code]))
        for code, name in enumerate(classes)
    }
    count, correct = int(matrix.sum()), int(np.trace(matrix))
    headline = [per_class[positive]] if positive is not None else list(per_class.values())
    intervals = {"accuracy": wilson(correct, count)}
    if positive is not None:
        intervals |= per_class[positive].intervals
    return ClassificationReport(
        count=count,
        accuracy=_ratio(correct, count),
        balanced_accuracy=_mean([metrics.sensitivity for metrics in per_class.values()]),
        matthews=_matthews(matrix),
        precision=_mean([metrics.precision for metrics in headline]),
        sensitivity=_mean([metrics.sensitivity for metrics in headline]),
        specificity=_mean([metrics.specificity for metrics in headline]),
        f1=_mean([metrics.f1 for metrics in headline]),
        roc_auc=_mean([metrics.roc_auc for metrics in headline]),
        pr_auc=_mean([metrics.pr_auc for metrics in headline]),
        mean_loss=float(loss.mean()) if count else float("nan"),
        per_class=per_class,
        matrix=matrix,
        intervals=intervals,
        classes=classes,
        positive=positive,
    )


def confusion_matrix(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Count actual against predicted classes.

    Args:
        table: Needs the columns `label` and `prediction`.
        classes: All class names, in the order of the rows and columns.

    Returns:
        int64 array of shape (classes, classes): rows are actual, columns predicted classes.

    Raises:
        ValueError: A column is missing or a name is not in `classes`.
    """
    classes = check_classes(classes)
    actual, predicted = class_codes(table, "label", classes), class_codes(table, "prediction", classes)
    size = len(classes)
    return np.bincount(actual * size + predicted, minlength=size * size).reshape(size, size).astype(np.int64)


def roc_curve(table: pd.DataFrame, classes: Sequence[str], class_name: str) -> pd.DataFrame:
    """Return the ROC curve of one class against all others.

    Args:
        table: Needs the columns `label` and `p_<class>`.
        classes: All class names.
        class_name: The class to tell from the others.

    Returns:
        Columns `fpr` (1 - specificity), `tpr` (sensitivity), both rising, and `threshold` (probability at or above
        which an image counts as the class; infinite in the first row). `tpr` is NaN without images of the class, `fpr`
        without others.

    Raises:
        ValueError: As for `evaluate`, or `class_name` is not in `classes`.
    """
    return ranking.roc_points(_one_against_rest(table, classes, class_name))


def pr_curve(table: pd.DataFrame, classes: Sequence[str], class_name: str) -> pd.DataFrame:
    """Return the precision-recall curve of one class against all others.

    Args:
        table: Needs the columns `label` and `p_<class>`.
        classes: All class names.
        class_name: The class to tell from the others.

    Returns:
        Columns `recall` (rising; NaN without images of the class), `precision`, and `threshold` (probability at or
        above which an image counts as the class; infinite in the first row). The precision of the last row, where
        every image counts as the class, is the prevalence.

    Raises:
        ValueError: As for `evaluate`, or `class_name` is not in `classes`.
    """
    return ranking.pr_points(_one_against_rest(table, classes, class_name))


def _one_against_rest(table: pd.DataFrame, classes: Sequence[str], class_name: str) -> ranking.Ranking:
    classes = check_classes(classes)
    if class_name not in classes:
        raise ValueError(f"class_name {class_name!r} is not in {list(classes)}.")
    code = classes.index(class_name)
    return ranking.rank(class_codes(table, "label", classes) == code, probabilities(table, classes)[:, code])


def _check_positive(positive: str | None, classes: tuple[str, ...]) -> None:
    if positive is None:
        return
    if positive not in classes:
        raise ValueError(f"positive {positive!r} is not in {list(classes)}.")
    if len(classes) > 2:
        raise ValueError(
            f"positive must be None with more than two classes, got {positive!r} with {list(classes)}: "
            "the headline metrics are then means over the classes."
        )


def _class_metrics(matrix: np.ndarray, code: int, scores: ranking.Ranking) -> ClassMetrics:
    """Derive the metrics of one class against the rest from the confusion matrix and the ranking of its scores."""
    tp = int(matrix[code, code])
    fn = int(matrix[code].sum()) - tp
    fp = int(matrix[:, code].sum()) - tp
    tn = int(matrix.sum()) - tp - fn - fp
    return ClassMetrics(
        tp=tp,
        fp=fp,
        fn=fn,
        tn=tn,
        support=tp + fn,
        precision=_ratio(tp, tp + fp),
        sensitivity=_ratio(tp, tp + fn),
        specificity=_ratio(tn, tn + fp),
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        roc_auc=ranking.roc_auc(scores),
        pr_auc=ranking.average_precision(scores),
        intervals={
            "precision": wilson(tp, tp + fp),
            "sensitivity": wilson(tp, tp + fn),
            "specificity": wilson(tn, tn + fp),
        },
    )


def _matthews(matrix: np.ndarray) -> float:
    """Return the multi-class Matthews correlation (Gorodkin 2004, Comput. Biol. Chem. 28, 367-374).

    For two classes this is the phi coefficient (Matthews 1975). 0 if all images are, or are called, one class; NaN if
    there are no images.
    """
    # float64 before multiplying: products of four counts overflow int64 from some 55,000 images on.
    actual, predicted = matrix.sum(axis=1, dtype=np.float64), matrix.sum(axis=0, dtype=np.float64)
    count = actual.sum()
    if count == 0:
        return float("nan")
    spread = (count**2 - actual @ actual) * (count**2 - predicted @ predicted)
    if spread == 0:
        return 0.0
    return float((np.trace(matrix) * count - actual @ predicted) / np.sqrt(spread))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: list[float]) -> float:
    """Return the plain mean; a NaN among the values makes it NaN, on purpose."""
    return float(np.mean(values))
