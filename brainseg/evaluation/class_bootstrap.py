"""Bootstrap over groups for every metric of a classifier: what each metric is in each draw.

Whole groups are drawn with replacement, since images of one patient, and copies, are not independent evidence (cluster
bootstrap; Field and Welsh 2007, JRSS B 69, 369-390). Hand-written, since scikit-learn would compute each metric from
all images in each of 2,000 draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation.bootstrap import drawn, percentiles
from brainseg.evaluation.checks import class_codes, losses, probabilities
from brainseg.evaluation.segmentation.counts import Counts, class_counts
from brainseg.evaluation.segmentation.scores import dice, precision, sensitivity, specificity
from brainseg.evaluation.undefined import ratio

METRICS = (
    "accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "f1",
    "balanced_accuracy",
    "matthews",
    "roc_auc",
    "pr_auc",
    "mean_loss",
)
_CHUNK = 100
"""Draws whose areas are computed at a time, which bounds the memory."""


def class_intervals(
    table: pd.DataFrame, classes: Sequence[str], positive: str | None, groups: np.ndarray, seed: int = 0
) -> dict[str, tuple[float, float] | None]:
    """Return the 95 % percentile interval of each of `METRICS`.

    Args:
        table: Predictions, as for `classification.evaluate`.
        classes: All class names, in the model's order.
        positive: As for `classification.evaluate`.
        groups: (N,) int, images with the same number are not independent.
        seed: Seed of the draws; the same seed gives the same intervals.

    Returns:
        (low, high) by name. None with fewer than two groups, if the metric is undefined in over 5 % of the draws, and
        if it is the same in all of them: that shows that the images are too few, not that the value is certain.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    count = int(codes.max(initial=-1)) + 1
    if count < 2:
        return dict.fromkeys(METRICS)
    values = drawn_metrics(table, classes, positive, codes, drawn(count, seed))
    return {name: sound_percentiles(values[name]) for name in METRICS}


def sound_percentiles(values: np.ndarray) -> tuple[float, float] | None:
    """Return the percentile interval of a metric from its values in all draws; None if all values are the same."""
    bounds = percentiles(values)
    return bounds if bounds and bounds[0] < bounds[1] else None


def drawn_metrics(
    table: pd.DataFrame, classes: Sequence[str], positive: str | None, groups: np.ndarray, times: np.ndarray
) -> dict[str, np.ndarray]:
    """Return each of `METRICS` in each draw, (draws,) float64; NaN where it is not defined.

    Args:
        table: Predictions.
        classes: All class names.
        positive: The class of the headline metrics; None for means over the classes.
        groups: (N,) int, the group of each image, numbered from 0.
        times: (draws, groups), how often each group occurs in each draw.
    """
    chosen = list(range(len(classes))) if positive is None else [list(classes).index(positive)]
    areas = [_areas(table, classes, code, groups, times) for code in chosen]
    return {
        **_counted(table, classes, chosen, groups, times),
        "roc_auc": np.mean([roc for roc, _ in areas], axis=0),
        "pr_auc": np.mean([average for _, average in areas], axis=0),
        "mean_loss": _mean_loss(table, groups, times),
    }


def _counted(
    table: pd.DataFrame, classes: Sequence[str], chosen: Sequence[int], groups: np.ndarray, times: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the metrics that follow from counts."""
    actual, called = class_codes(table, "label", classes), class_codes(table, "prediction", classes)
    cells = np.zeros((times.shape[1], len(classes), len(classes)))
    np.add.at(cells, (groups, actual, called), 1)
    matrices = (times @ cells.reshape(times.shape[1], -1)).reshape(-1, len(classes), len(classes))
    counts = class_counts(matrices)
    of = Counts(*(part[:, chosen] for part in counts))
    return {
        "accuracy": ratio(np.trace(matrices, axis1=1, axis2=2), matrices.sum(axis=(1, 2))),
        "sensitivity": sensitivity(of).mean(axis=1),
        "specificity": specificity(of).mean(axis=1),
        "precision": precision(of).mean(axis=1),
        "f1": dice(of).mean(axis=1),
        "balanced_accuracy": sensitivity(counts).mean(axis=1),
        "matthews": _matthews(matrices),
    }


def _matthews(matrices: np.ndarray) -> np.ndarray:
    """Return the multi-class Matthews correlation (Gorodkin 2004, Comput. Biol. Chem. 28, 367-374); 0 for 0 / 0."""
    actual, called = matrices.sum(axis=2), matrices.sum(axis=1)
    total, correct = matrices.sum(axis=(1, 2)), np.trace(matrices, axis1=1, axis2=2)
    above = correct * total - (actual * called).sum(axis=1)
    below = np.sqrt((total**2 - (actual**2).sum(axis=1)) * (total**2 - (called**2).sum(axis=1)))
    correlations: np.ndarray = np.nan_to_num(ratio(above, below))
    return correlations


def _areas(
    table: pd.DataFrame, classes: Sequence[str], code: int, groups: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the area under the ROC curve of one class, where ties count half, and its average precision."""
    scores = probabilities(table, classes)[:, code]
    positive = class_codes(table, "label", classes) == code
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(-scores[order], prepend=-2.0))  # of images with the same score
    group, positive = groups[order], positive[order]
    roc, average = [], []
    for part in np.array_split(times, range(_CHUNK, len(times), _CHUNK)):
        weights = part[:, group].astype(np.float64)
        ill = np.add.reduceat(weights * positive, starts, axis=1)
        healthy = np.add.reduceat(weights * ~positive, starts, axis=1)
        all_ill, all_healthy = ill.sum(axis=1), healthy.sum(axis=1)
        before = np.cumsum(healthy, axis=1)
        lower = all_healthy[:, None] - before + healthy / 2
        found = np.cumsum(ill, axis=1)
        precisions = np.nan_to_num(ratio(found, found + before))
        roc.append(ratio((ill * lower).sum(axis=1), all_ill * all_healthy))
        # Undefined without other images, as in `ranking.average_precision`.
        average.append(np.where(all_healthy > 0, ratio((ill * precisions).sum(axis=1), all_ill), np.nan))
    return np.concatenate(roc), np.concatenate(average)


def _mean_loss(table: pd.DataFrame, groups: np.ndarray, times: np.ndarray) -> np.ndarray:
    sums = np.bincount(groups, losses(table), times.shape[1])
    return ratio(times @ sums, times @ np.bincount(groups, minlength=times.shape[1]))
