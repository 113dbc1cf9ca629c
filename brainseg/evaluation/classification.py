"""Evaluation of a classifier from its table of predictions: images are counted once, metrics come from the counts.

A table of predictions has one row per image and the columns `path`, `group`, `label` (true class), `prediction`
(predicted class), `loss` (cross-entropy of the true class, nats) and one `p_<class>` (probability, 0..1) per class.

Undefined metrics are NaN, also in means over classes; see `evaluation.undefined`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation import ranking
from brainseg.evaluation.checks import check_classes, class_codes, losses, probabilities
from brainseg.evaluation.class_bootstrap import class_intervals
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.report import ClassificationReport, ClassMetrics
from brainseg.evaluation.undefined import mean, ratio, where_defined


def evaluate(
    table: pd.DataFrame, classes: Sequence[str], positive: str | None, groups: np.ndarray | None = None
) -> ClassificationReport:
    """Compute every classification metric of one table of predictions.

    Args:
        table: Predictions, one row per image (columns: see above); if it is empty, every metric is NaN.
        classes: All class names, in the model's order.
        positive: The class (the tumour class) for which precision, sensitivity, specificity, F1 and the areas are
            computed. With None, they are unweighted (macro) means over all classes; with more than two classes, this is
            the only choice.
        groups: (N,) int, images with the same number are not independent: copies, or slices of one patient. With None,
            only proportions of images get an interval.

    Returns:
        The report with 95 % intervals: Wilson's for proportions of images; by bootstrap over `groups` for all others.

    Raises:
        ValueError: `classes` and `positive` do not fit together, a column is missing, a name is not in `classes`, a
            probability is not finite or outside 0..1, or a loss is not finite. The message names the column and value.

    Examples:
        >>> table = pd.DataFrame(
        ...     {
        ...         "label": ["no", "no", "yes", "yes"],
        ...         "prediction": ["no", "yes", "yes", "yes"],
        ...         "loss": [0.2, 0.9, 0.1, 0.4],
        ...         "p_no": [0.8, 0.4, 0.1, 0.3],
        ...         "p_yes": [0.2, 0.6, 0.9, 0.7],
        ...     }
        ... )
        >>> report = evaluate(table, ("no", "yes"), positive="yes")
        >>> report.accuracy, report.sensitivity, report.specificity, report.roc_auc
        (0.75, 1.0, 0.5, 1.0)
        >>> report.matrix.tolist()
        [[1, 1], [0, 2]]
    """
    names = check_classes(classes)
    _check_positive(positive, names)
    matrix = confusion_matrix(table, names)
    actual, scores, loss = class_codes(table, "label", names), probabilities(table, names), losses(table)
    per_class = {
        name: _class_metrics(matrix, code, ranking.Ranking(actual == code, scores[:, code]))
        for code, name in enumerate(names)
    }
    count, correct = int(matrix.sum()), int(np.trace(matrix))
    headline = [per_class[positive]] if positive is not None else list(per_class.values())
    intervals: dict[str, tuple[float, float] | None] = {"accuracy": wilson(correct, count)}
    if positive is not None:
        intervals |= per_class[positive].intervals
    if groups is not None:
        intervals = {**class_intervals(table, names, positive, groups), **intervals}
    return ClassificationReport(
        count=count,
        accuracy=_fraction(correct, count),
        balanced_accuracy=mean([each.sensitivity for each in per_class.values()]),
        matthews=_matthews(matrix),
        precision=mean([each.precision for each in headline]),
        sensitivity=mean([each.sensitivity for each in headline]),
        specificity=mean([each.specificity for each in headline]),
        f1=mean([each.f1 for each in headline]),
        roc_auc=mean([each.roc_auc for each in headline]),
        pr_auc=mean([each.pr_auc for each in headline]),
        mean_loss=float(loss.mean()) if count else float("nan"),
        per_class=per_class,
        matrix=matrix,
        intervals=intervals,
        classes=names,
        positive=positive,
    )


def confusion_matrix(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Count images by actual and predicted class.

    Args:
        table: Needs the columns `label` and `prediction`.
        classes: All class names, in the order of the rows and columns.

    Returns:
        int64 array of shape (classes, classes): rows are actual, columns predicted classes.

    Raises:
        ValueError: A column is missing or a name is not in `classes`.
    """
    names = check_classes(classes)
    actual, predicted = class_codes(table, "label", names), class_codes(table, "prediction", names)
    if not len(table):  # scikit-learn refuses an empty table
        return np.zeros((len(names), len(names)), dtype=np.int64)
    from sklearn import metrics  # imported here, since it is slow to import and plots do not need it

    counts: np.ndarray = metrics.confusion_matrix(actual, predicted, labels=range(len(names)))
    return counts.astype(np.int64)


def roc_curve(table: pd.DataFrame, classes: Sequence[str], class_name: str) -> pd.DataFrame:
    """Return the ROC curve of one class against all others.

    Args:
        table: Needs the columns `label` and `p_<class>`.
        classes: All class names.
        class_name: The class that is compared with all others.

    Returns:
        Columns `fpr` (1 - specificity) and `tpr` (sensitivity), both rising, and `threshold` (probability from which an
        image counts as the class; infinite in the first row). `tpr` is NaN without images of the class, `fpr` without
        other images.

    Raises:
        ValueError: As for `evaluate`, or `class_name` is not in `classes`.
    """
    return ranking.roc_points(_one_against_rest(table, classes, class_name))


def pr_curve(table: pd.DataFrame, classes: Sequence[str], class_name: str) -> pd.DataFrame:
    """Return the precision-recall curve of one class against all others.

    Args:
        table: Needs the columns `label` and `p_<class>`.
        classes: All class names.
        class_name: The class that is compared with all others.

    Returns:
        Columns `recall` (rising; NaN without images of the class), `precision`, and `threshold` (probability from which
        an image counts as the class; infinite in the first row). In the last row, every image counts as the class, so
        the precision is the prevalence.

    Raises:
        ValueError: As for `evaluate`, or `class_name` is not in `classes`.
    """
    return ranking.pr_points(_one_against_rest(table, classes, class_name))


def _one_against_rest(table: pd.DataFrame, classes: Sequence[str], class_name: str) -> ranking.Ranking:
    names = check_classes(classes)
    if class_name not in names:
        raise ValueError(f"class_name {class_name!r} is not in {list(names)}.")
    code = names.index(class_name)
    return ranking.Ranking(class_codes(table, "label", names) == code, probabilities(table, names)[:, code])


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
        precision=_fraction(tp, tp + fp),
        sensitivity=_fraction(tp, tp + fn),
        specificity=_fraction(tn, tn + fp),
        f1=_fraction(2 * tp, 2 * tp + fp + fn),
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

    For two classes this is the phi coefficient (Matthews 1975). 0 if all images are, or are predicted as, one class;
    NaN if there are no images.
    """
    from sklearn import metrics

    actual, predicted = (codes.ravel() for codes in np.indices(matrix.shape))
    # In float64, since products of four counts overflow int64 from about 55,000 images on.
    weights = matrix.ravel().astype(np.float64)
    return where_defined(
        bool(matrix.sum()), lambda: metrics.matthews_corrcoef(actual, predicted, sample_weight=weights)
    )


def _fraction(part: int, whole: int) -> float:
    return float(ratio(part, whole))
