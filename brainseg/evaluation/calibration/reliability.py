"""How far probabilities agree with how often they come true: reliability diagram and calibration errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from brainseg.evaluation.bootstrap import patient_intervals
from brainseg.evaluation.checks import check_classes, class_codes
from brainseg.evaluation.checks import probabilities as checked_probabilities
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.undefined import ratio
from brainseg.models.validation import Interval

BINS = 10
"""Number of bins, which are equally wide."""
SEED = 0
"""Seed of the bootstrap."""
_COUNT, _LOSS, _BRIER = 0, 1, 2
"""Columns of sums per group; those of the bins follow: counts, then probabilities, then outcomes."""


class Bin(TypedDict):
    """One bin of a reliability diagram.

    Attributes:
        low: Lower bound of the probability.
        high: Upper bound.
        count: Number of images in the bin.
        probability: Their mean probability; None without images.
        observed: The fraction of them for which it came true; None without images.
        interval: 95 % interval of `observed`: Wilson's, or for pixels by bootstrap over patients.
    """

    low: float
    high: float
    count: int
    probability: float | None
    observed: float | None
    interval: Interval


class Reliability(TypedDict):
    """The calibration of one table of predictions.

    Attributes:
        count: Number of images.
        of: The class whose probability is judged; None if it is each image's highest probability, which comes true if
            that class is correct.
        nll: Mean negative log-likelihood of the true class, nats.
        brier: Mean squared difference between probability and outcome: of one class, 0..1, with two classes; summed
            over the classes, 0..2, with more (Brier 1950, Monthly Weather Review 78, 1-3).
        ece: Expected calibration error: mean of |observed - probability| over the bins, weighted by their counts.
        ace: Average calibration error: the same, unweighted, over the bins with images.
        mce: Maximum calibration error: the largest of these differences.
        intervals: 95 % interval of each of the five, by bootstrap over groups. Resampling adds noise to each bin, so
            the intervals of ece, ace and mce lie too high; None with fewer than two groups.
        bins: The reliability diagram.
    """

    count: int
    of: str | None
    nll: float
    brier: float
    ece: float
    ace: float
    mce: float
    intervals: dict[str, Interval]
    bins: list[Bin]


def reliability(
    table: pd.DataFrame, classes: Sequence[str], positive: str | None, groups: np.ndarray
) -> Reliability | None:
    """Measure the calibration of predictions.

    Args:
        table: At least the columns `label` and `p_<class>`, one row per image.
        classes: All class names, in the model's order.
        positive: The class whose probability is judged; None for the highest probability of each image.
        groups: (N,) int, images with the same number are not independent: copies, or slices of one patient.

    Returns:
        The measures; None without images.

    Raises:
        ValueError: A column is missing or holds a wrong value.
    """
    if table.empty:
        return None
    names = check_classes(classes)
    labels, scores = class_codes(table, "label", names), checked_probabilities(table, names)
    if positive is None:
        judged, came_true = scores.max(axis=1), scores.argmax(axis=1) == labels
    else:
        judged, came_true = scores[:, names.index(positive)], labels == names.index(positive)
    # The last bin includes a probability of 1.
    numbers = np.minimum((judged * BINS).astype(np.int64), BINS - 1)
    sums = _sums(scores, labels, judged, came_true, numbers, groups)
    return reliability_of_sums(sums, positive, two=len(names) == 2)


def reliability_of_sums(sums: np.ndarray, of: str | None, *, two: bool, independent: bool = True) -> Reliability:
    """Measure the calibration from sums over groups.

    Args:
        sums: (groups, 3 + 3 BINS) float64: cases, negative log-likelihood of the true class, squared differences over
            all classes; then for each bin the cases, their probabilities, and how often they came true.
        of: The class whose probability is judged; None for the highest probability of each case.
        two: Whether there are two classes, which halves the Brier score.
        independent: Whether the cases of a group are independent of each other in a bin. If not, the intervals of the
            bins are by bootstrap over groups.
    """
    totals = sums.sum(axis=0)
    measures = {name: float(value[0]) for name, value in _measures(totals[None], two).items()}
    return {
        "count": int(totals[_COUNT]),
        "of": of,
        "nll": measures["nll"],
        "brier": measures["brier"],
        "ece": measures["ece"],
        "ace": measures["ace"],
        "mce": measures["mce"],
        "intervals": {**patient_intervals(sums, partial(_measures, two=two), SEED)},
        "bins": _bins(totals, None if independent else _bin_intervals(sums)),
    }


def _bin_intervals(sums: np.ndarray) -> list[Interval]:
    def observed(totals: np.ndarray) -> dict[str, np.ndarray]:
        counts, _, outcomes = (totals[:, 3 + part * BINS : 3 + (part + 1) * BINS] for part in range(3))
        return {str(number): ratio(outcomes[:, number], counts[:, number]) for number in range(BINS)}

    return list(patient_intervals(sums, observed, SEED).values())


def _sums(
    scores: np.ndarray,
    labels: np.ndarray,
    judged: np.ndarray,
    came_true: np.ndarray,
    numbers: np.ndarray,
    groups: np.ndarray,
) -> np.ndarray:
    """Return the sums over each group from which all measures follow, (groups, 3 + 3 BINS) float64."""
    rows = np.arange(len(labels))
    member = np.eye(BINS)[numbers]
    outcomes = np.eye(scores.shape[1])[labels]
    values = np.column_stack(
        [
            np.ones(len(labels)),
            -np.log(np.maximum(scores[rows, labels], np.finfo(np.float64).tiny)),
            ((scores - outcomes) ** 2).sum(axis=1),
            member,
            member * judged[:, None],
            member * came_true[:, None],
        ]
    )
    codes = np.unique(groups, return_inverse=True)[1]
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _measures(totals: np.ndarray, two: bool) -> dict[str, np.ndarray]:
    """Return every measure, each (draws,), from totals (draws, 3 + 3 BINS); `two` classes halve the Brier score."""
    counts, probabilities, outcomes = (totals[:, 3 + part * BINS : 3 + (part + 1) * BINS] for part in range(3))
    gaps = np.abs(ratio(outcomes - probabilities, counts))
    filled = np.nan_to_num(gaps)
    whole = totals[:, _COUNT]
    return {
        "nll": ratio(totals[:, _LOSS], whole),
        "brier": ratio(totals[:, _BRIER], whole * (2 if two else 1)),
        "ece": ratio((filled * counts).sum(axis=1), whole),
        "ace": ratio(filled.sum(axis=1), (counts > 0).sum(axis=1)),
        "mce": filled.max(axis=1),
    }


def _bins(totals: np.ndarray, intervals: list[Interval] | None = None) -> list[Bin]:
    """Return the bins; their intervals are Wilson's unless others are given."""
    counts, probabilities, outcomes = totals[3:].reshape(3, BINS)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "count": int(counts[number]),
            "probability": float(probabilities[number] / counts[number]) if counts[number] else None,
            "observed": float(outcomes[number] / counts[number]) if counts[number] else None,
            "interval": _interval(counts[number], outcomes[number]) if intervals is None else intervals[number],
        }
        for number in range(BINS)
    ]


def _interval(count: float, outcomes: float) -> Interval:
    return wilson(int(outcomes), int(count)) if count else None
