"""Curves over all operating points of a classifier: sensitivity against threshold, accuracy against coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.operating.held_out import Scores
from brainseg.evaluation.undefined import ratio
from brainseg.models.operating_point import decide_all

POINTS = 100
"""Most points of a curve."""


def threshold_curve(scores: Scores) -> pd.DataFrame:
    """Return what each threshold gives.

    Args:
        scores: Probabilities of held-out images, of a model with a positive class.

    Returns:
        Columns `threshold` (ascending: at most `POINTS` of the probabilities that occur), `sensitivity` and
        `specificity`, and their Wilson 95 % intervals: the same names with `_low` and `_high`. NaN where there is no
        image of that side. The intervals treat images as independent.
    """
    probabilities, actual = scores.positive_probabilities, scores.actual
    thresholds = np.unique(probabilities)
    if len(thresholds) > POINTS:
        thresholds = thresholds[np.unique(np.linspace(0, len(thresholds) - 1, POINTS).astype(int))]
    ill, healthy = np.sort(probabilities[actual]), np.sort(probabilities[~actual])
    found = len(ill) - np.searchsorted(ill, thresholds, "left")
    rightly = np.searchsorted(healthy, thresholds, "left")
    columns: dict[str, np.ndarray] = {"threshold": thresholds}
    for name, hits, count in (("sensitivity", found, len(ill)), ("specificity", rightly, len(healthy))):
        bounds = np.array([wilson(int(hit), count) for hit in hits]).reshape(-1, 2)
        columns |= {name: ratio(hits, count), f"{name}_low": bounds[:, 0], f"{name}_high": bounds[:, 1]}
    return pd.DataFrame(columns)


def coverage_curve(scores: Scores, threshold: float | None) -> pd.DataFrame:
    """Return how accurate the certain answers are for each margin.

    Args:
        scores: Probabilities of held-out images.
        threshold: The model's threshold; None: the highest probability decides.

    Returns:
        Columns `margin`, `count` (certain answers), `coverage` (their fraction), `accuracy`, and `low` and `high`, its
        Wilson 95 % interval; at most `POINTS` rows, most certain answers first. The interval treats images as
        independent.
    """
    codes, margins = decide_all(scores.probabilities, scores.positive, threshold)
    order = np.argsort(-margins, kind="stable")
    falling, hits = margins[order], np.cumsum((codes == scores.labels)[order])
    places = np.flatnonzero(np.append(np.diff(falling) < 0, True)) if len(order) else np.zeros(0, np.int64)
    if len(places) > POINTS:
        places = places[np.unique(np.linspace(0, len(places) - 1, POINTS).astype(int))]
    rows = [
        {
            "margin": float(falling[place]),
            "count": int(place + 1),
            "coverage": (place + 1) / len(order),
            "accuracy": hits[place] / (place + 1),
            "low": interval[0],
            "high": interval[1],
        }
        for place in places[::-1]
        for interval in [wilson(int(hits[place]), int(place + 1))]
    ]
    return pd.DataFrame(rows, columns=["margin", "count", "coverage", "accuracy", "low", "high"])
