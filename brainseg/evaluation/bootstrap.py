"""Confidence intervals by bootstrap over patients.

Hand-written, since `scipy.stats.bootstrap` would compute each metric from all slices in each of 2,000 draws. Here, all
draws are one matrix product of sums.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from brainseg.evaluation.undefined import ratio

DRAWS = 2000
CONFIDENCE = 0.95
DEFINED = 0.95
"""Fraction of draws in which a score must be defined to get an interval."""


def patient_intervals(
    sums: np.ndarray, derive: Callable[[np.ndarray], dict[str, np.ndarray]], seed: int
) -> dict[str, tuple[float, float] | None]:
    """Return percentile intervals of scores that depend on sums over patients.

    Whole patients are drawn with replacement, since the slices of one patient are not independent evidence (cluster
    bootstrap; Field and Welsh 2007, JRSS B 69, 369-390). With few patients such intervals are too narrow: below about
    twenty, read them as a lower limit of the uncertainty.

    Args:
        sums: (patients, quantities) float64; only their totals over the drawn patients matter.
        derive: Scores by name, each (draws,), from totals (draws, quantities); NaN where undefined.
        seed: Seed of the draws; the same seed gives the same intervals.

    Returns:
        (low, high) by name; None with fewer than two patients, or if a score is undefined in over 5 % of the draws.
    """
    patients = len(sums)
    if patients < 2:
        return dict.fromkeys(derive(sums.sum(axis=0, keepdims=True)))
    return {name: percentiles(values) for name, values in derive(drawn(patients, seed) @ sums).items()}


def mean_interval(values: np.ndarray, groups: np.ndarray, seed: int) -> tuple[float, float] | None:
    """Return the percentile interval of a mean over images by bootstrap over groups; None with fewer than two.

    Args:
        values: (N,) number, one per image.
        groups: (N,) int, images with the same number are not independent.
        seed: Seed of the draws.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    sums = np.column_stack([np.bincount(codes, values), np.bincount(codes)])
    return patient_intervals(sums, lambda totals: {"mean": ratio(totals[:, 0], totals[:, 1])}, seed)["mean"]


def drawn(patients: int, seed: int) -> np.ndarray:
    """Return how often each patient occurs in each draw, (draws, patients) int64.

    Drawing n of n with replacement is the same as drawing how often each occurs.
    """
    return np.random.default_rng(seed).multinomial(patients, np.full(patients, 1 / patients), size=DRAWS)


def percentiles(values: np.ndarray) -> tuple[float, float] | None:
    """Return the percentile interval of a score from its values in all draws; None if over 5 % are undefined."""
    known = values[np.isfinite(values)]
    if len(known) < DEFINED * len(values):
        return None
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(known, (tail, 100 - tail))
    return float(low), float(high)
