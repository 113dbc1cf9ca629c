"""How the confusion matrices of two models on the same images differ, with an interval for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.evaluation.checks import class_codes
from brainseg.evaluation.paired import grouped_interval, paired_interval, units_of
from brainseg.evaluation.undefined import ratio


@dataclass(frozen=True, eq=False)
class MatrixDifference:
    """The confusion matrix of one model minus that of another; rows actual, columns predicted.

    Attributes:
        counts: (C, C) int64, the difference of the counts; each row sums to 0.
        totals: (C,) int64, the images of each actual class.
        fractions: (C, C) float64, the counts as fractions of the actual class; NaN for a class without images.
        low: (C, C) float64, lower bounds of the 95 % intervals of the fractions; NaN where there is none.
        high: (C, C) float64, upper bounds.
    """

    counts: np.ndarray
    totals: np.ndarray
    fractions: np.ndarray
    low: np.ndarray
    high: np.ndarray


def matrix_difference(aligned: pd.DataFrame, first: str, second: str, classes: Sequence[str]) -> MatrixDifference:
    """Compare the confusion matrices of two models.

    The intervals are for paired proportions (see `paired.paired_interval`), or by bootstrap over groups if some images
    belong together. They are not adjusted for the number of cells.

    Args:
        aligned: A table from `comparison.align`.
        first: The model whose matrix the other is subtracted from.
        second: The other model.
        classes: All class names, in their order.

    Raises:
        ValueError: A class is not among `classes`.
    """
    size = len(classes)
    actual = class_codes(aligned, "label", classes)
    called = [class_codes(aligned, f"prediction {name}", classes) for name in (first, second)]
    units = units_of(aligned)
    counts = np.zeros((size, size), dtype=np.int64)
    low, high = np.full((size, size), np.nan), np.full((size, size), np.nan)
    for row in range(size):
        rows = actual == row
        for column in range(size):
            mine, its = (answers[rows] == column for answers in called)
            counts[row, column] = int(mine.sum()) - int(its.sum())
            bounds = _interval(mine, its, None if units is None else units[rows])
            if bounds:
                low[row, column], high[row, column] = bounds
    totals = np.bincount(actual, minlength=size)
    return MatrixDifference(counts, totals, ratio(counts, totals[:, None]), low, high)


def _interval(mine: np.ndarray, its: np.ndarray, units: np.ndarray | None) -> tuple[float, float] | None:
    if not len(mine):
        return None
    if units is not None:
        codes = np.unique(units, return_inverse=True)[1]
        if len(np.unique(codes)) < len(codes):
            return grouped_interval(mine.astype(np.int64) - its, codes)
    return paired_interval(int((mine & ~its).sum()), int((its & ~mine).sum()), len(mine))
