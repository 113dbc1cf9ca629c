"""Means over images with intervals by bootstrap over patients."""

from __future__ import annotations

import numpy as np

from brainseg.diagnosis.heatmap_checks.stored import Measured
from brainseg.evaluation.bootstrap import mean_interval

SEED = 0
"""Seed of the sample, of random orders and weights, and of the bootstrap."""


def mean_over_images(values: np.ndarray, groups: np.ndarray) -> Measured:
    """Return a mean over images with its 95 % interval by bootstrap over groups.

    Args:
        values: (N,) float; NaN where the quantity is not defined for an image, which is left out.
        groups: (N,) int, the patient or group of copies of each image.

    Examples:
        >>> mean_over_images(np.array([0.0, 1.0, np.nan]), np.array([0, 1, 2]))
        {'value': 0.5, 'interval': (0.0, 1.0), 'n': 2}
    """
    defined = np.isfinite(values)
    kept = values[defined]
    if not len(kept):
        return {"value": None, "interval": None, "n": 0}
    return {"value": float(kept.mean()), "interval": mean_interval(kept, groups[defined], SEED), "n": len(kept)}
