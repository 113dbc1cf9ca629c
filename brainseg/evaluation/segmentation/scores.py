"""Scores from pixel counts, both single counts and arrays.

A score with a denominator of 0 is NaN, never 0 or 1; the empty-mask rule decides how it counts. Dice and IoU are 0/0
only if a class is neither present nor predicted. A model that predicts nothing on a slice with a tumour scores 0.
"""

from __future__ import annotations

import numpy as np

from brainseg.evaluation.segmentation.counts import Counts
from brainseg.evaluation.undefined import ratio

SCORES = {
    "dice": "Dice, all pixels pooled",
    "slice_dice": "Dice, mean of slices",
    "patient_dice": "Dice, mean of patients",
    "iou": "IoU, pooled",
    "precision": "Precision, pooled",
    "sensitivity": "Sensitivity, pooled",
    "detection_sensitivity": "Slice sensitivity",
    "detection_specificity": "Slice specificity",
}
"""Key of a metric in a segmentation report -> its name in plots and cards."""


def dice(counts: Counts) -> np.ndarray:
    """Return 2 tp / (2 tp + fp + fn), the overlap (Dice 1945, Ecology 26, 297-302); equals F1.

    >>> float(dice(Counts(np.array(3), np.array(1), np.array(2), np.array(10))))
    0.6666666666666666
    >>> float(dice(Counts(np.array(0), np.array(0), np.array(0), np.array(16))))
    nan
    """
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def iou(counts: Counts) -> np.ndarray:
    """Return tp / (tp + fp + fn), intersection over union (Jaccard 1912, New Phytologist 11, 37-50)."""
    return ratio(counts.tp, counts.tp + counts.fp + counts.fn)


def precision(counts: Counts) -> np.ndarray:
    """Return tp / (tp + fp), the proportion of predicted pixels that are correct."""
    return ratio(counts.tp, counts.tp + counts.fp)


def sensitivity(counts: Counts) -> np.ndarray:
    """Return tp / (tp + fn), the proportion of true pixels that were found."""
    return ratio(counts.tp, counts.tp + counts.fn)


def specificity(counts: Counts) -> np.ndarray:
    """Return tn / (tn + fp); since tumours are small, it is near 1 for almost any model and not very informative."""
    return ratio(counts.tn, counts.tn + counts.fp)
