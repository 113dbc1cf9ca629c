"""Values with their intervals, as `robustness.json` holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from brainseg.evaluation.bootstrap import patient_intervals
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.undefined import ratio
from brainseg.robustness.result import Measured

SEED = 0
"""Seed of the bootstrap."""


def proportion(part: int, count: int) -> Measured:
    """Return a proportion of images with its Wilson interval."""
    return {"value": part / count, "interval": wilson(part, count), "count": count}


def mean_over_groups(values: Sequence[float] | np.ndarray, groups: np.ndarray) -> Measured:
    """Return the mean of one value per image, with an interval by bootstrap over groups.

    Args:
        values: (N,) float; NaN where it is not defined, which leaves the image out.
        groups: (N,) int, images with the same number are not independent.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers)
    if not known.any():
        return {"value": None, "interval": None, "count": 0}
    codes = np.unique(groups[known], return_inverse=True)[1]
    sums = np.column_stack([np.bincount(codes, numbers[known]), np.bincount(codes)])
    intervals = patient_intervals(sums, lambda totals: {"mean": ratio(totals[:, 0], totals[:, 1])}, SEED)
    return {"value": float(numbers[known].mean()), "interval": intervals["mean"], "count": int(known.sum())}


def defined(value: float) -> float | None:
    """Return a number, or None for one that is not defined."""
    return None if math.isnan(value) else value
