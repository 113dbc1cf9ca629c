"""A metric on a subset of the images, and its gap to the same metric on all others with interval and test."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
import scipy

from brainseg.evaluation.bootstrap import DRAWS, drawn, patient_intervals, percentiles
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.segmentation import scores
from brainseg.evaluation.segmentation.counts import Counts
from brainseg.evaluation.segmentation.patients import patient_codes, summed
from brainseg.evaluation.undefined import ratio

SCORE = "Newcombe, over images; exact test of Fisher"
BOOTSTRAP = f"bootstrap over {{}}, {DRAWS:,} draws; test by its standard deviation"
_NORMAL = NormalDist()
LEAST_UNITS = 5
"""Fewest units on each side for a bootstrap: draws of fewer hardly differ, so any gap would look certain."""


@dataclass(frozen=True)
class Gap:
    """A metric on a subset minus the same metric on all other images.

    Attributes:
        difference: None if the metric is not defined on one of the two sides.
        interval: 95 % interval; None if there is none: too few units, or no draw differs.
        p: Two-sided p-value, not adjusted for several tests; None as for the interval.
        method: How interval and p-value were computed.
    """

    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    method: str


def accuracy_gap(correct: np.ndarray, inside: np.ndarray, units: np.ndarray, seed: int = 0) -> Gap:
    """Compare the accuracy on a subset with that on all other images.

    If every image is independent of all others, the interval is Newcombe's and the test Fisher's. Otherwise whole units
    are drawn with replacement, and the p-value is that of the difference divided by its standard deviation over the
    draws, which is an approximation.

    Args:
        correct: (N,) bool, whether each image was predicted correctly.
        inside: (N,) bool, whether it is in the subset.
        units: (N,) int, images with the same number are not independent: copies, or slices of one patient.
        seed: Seed of the draws.

    Examples:
        >>> inside = np.arange(150) < 70
        >>> correct = np.where(inside, np.arange(150) < 56, np.arange(150) - 70 < 48)
        >>> found = accuracy_gap(correct, inside, np.arange(150))
        >>> round(found.difference, 3), [round(bound, 4) for bound in found.interval]
        (0.2, [0.0524, 0.3339])
    """
    codes = np.unique(units, return_inverse=True)[1]
    cells = np.column_stack([correct & inside, inside, correct & ~inside, ~inside]).astype(np.float64)
    right, count, other_right, others = (int(total) for total in cells.sum(axis=0))
    if len(codes) == 0 or codes.max() == len(codes) - 1:
        if not count or not others:
            return Gap(None, None, None, SCORE)
        table = np.array([[right, count - right], [other_right, others - other_right]])
        return Gap(
            right / count - other_right / others,
            newcombe((right, count), (other_right, others)),
            float(scipy.stats.fisher_exact(table).pvalue),
            SCORE,
        )

    def difference(totals: np.ndarray) -> np.ndarray:
        gaps: np.ndarray = ratio(totals[:, 0], totals[:, 1]) - ratio(totals[:, 2], totals[:, 3])
        return gaps

    sides = [len(np.unique(codes[side])) for side in (inside, ~inside)]
    return _bootstrapped(summed(cells, codes), difference, min(sides), "patients and copies", seed)


def dice_gap(table: pd.DataFrame, inside: np.ndarray, seed: int = 0) -> Gap:
    """Compare the Dice of all pixels in a subset of slices with that in all other slices.

    Whole patients are drawn with replacement; for the p-value, see `accuracy_gap`.

    Args:
        table: A table from `slice_table`.
        inside: (slices,) bool.
        seed: Seed of the draws.
    """
    pixels = table[["tp", "fp", "fn"]].to_numpy(dtype=np.float64)
    cells = np.hstack([pixels * inside[:, None], pixels * ~inside[:, None]])

    def difference(totals: np.ndarray) -> np.ndarray:
        gaps: np.ndarray = _dice(totals[:, :3]) - _dice(totals[:, 3:])
        return gaps

    unit, codes = "patients" if (table["group"] != "").any() else "slices", patient_codes(table)
    sides = [len(np.unique(codes[side])) for side in (inside, ~inside)]
    return _bootstrapped(summed(cells, codes), difference, min(sides), unit, seed)


def pooled_dice(table: pd.DataFrame, seed: int = 0) -> tuple[float | None, tuple[float, float] | None]:
    """Return the Dice of all pixels of some slices, and its 95 % interval by bootstrap over patients.

    There is no interval if all draws are equal: that shows that the slices are too few.

    Args:
        table: Rows of a table from `slice_table`.
        seed: Seed of the draws.
    """
    sums = summed(table[["tp", "fp", "fn"]].to_numpy(dtype=np.float64), patient_codes(table))
    value = float(_dice(sums.sum(axis=0, keepdims=True))[0])
    interval = patient_intervals(sums, lambda totals: {"dice": _dice(totals)}, seed)["dice"]
    if not math.isfinite(value):
        return None, None
    return value, interval if interval and interval[0] < interval[1] else None


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two proportions, each given as (successes, trials).

    Hand-written, since neither scipy nor scikit-learn has it.

    References:
        R. G. Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison of
        eleven methods", Statistics in Medicine 17, 873-890, method 10.
    """
    (p1, l1, u1), (p2, l2, u2) = ((part / whole, *wilson(part, whole)) for part, whole in (first, second))
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    return max(-1.0, low), min(1.0, p1 - p2 + math.hypot(u1 - p1, p2 - l2))


def _bootstrapped(
    sums: np.ndarray, difference: Callable[[np.ndarray], np.ndarray], fewest: int, unit: str, seed: int
) -> Gap:
    """Return the gap from (units, quantities) sums; `difference` gives it, (draws,), from (draws, quantities).

    `fewest` is the number of units on the smaller side.
    """
    method = BOOTSTRAP.format(unit)
    value = float(difference(sums.sum(axis=0, keepdims=True))[0])
    if not math.isfinite(value):
        return Gap(None, None, None, method)
    if fewest < LEAST_UNITS:
        return Gap(value, None, None, method)
    values = difference(drawn(len(sums), seed) @ sums)
    bounds, deviation = percentiles(values), float(np.nanstd(values))
    if bounds is None or deviation == 0:  # equal draws show that there are too few units, not that the gap is certain
        return Gap(value, None, None, method)
    return Gap(value, bounds, 2 * (1 - _NORMAL.cdf(abs(value) / deviation)), method)


def _dice(pixels: np.ndarray) -> np.ndarray:
    tp, fp, fn = pixels.T
    found: np.ndarray = scores.dice(Counts(tp, fp, fn, np.zeros_like(tp)))
    return found
