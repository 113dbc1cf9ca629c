"""Values with their intervals, as `robustness.json` holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from brainseg.evaluation.bootstrap import mean_interval
from brainseg.evaluation.intervals import wilson
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
    interval = mean_interval(numbers[known], groups[known], SEED)
    return {"value": float(numbers[known].mean()), "interval": interval, "count": int(known.sum())}


def defined(value: float) -> float | None:
    """Return a number, or None for one that is not defined."""
    return None if math.isnan(value) else value
