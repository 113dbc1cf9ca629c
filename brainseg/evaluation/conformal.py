"""Split conformal prediction for classifiers (Vovk, Gammerman, Shafer 2005, "Algorithmic Learning in a Random World").

Hand-written, since MAPIE's version needs an estimator and its images; it is one order statistic, which the tests
compare with its known distribution.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from brainseg.evaluation.proportions import proportion
from brainseg.models.conformal import ConformalSets

COVERAGE = 0.9
"""Fraction of images whose true class is in their prediction set."""


def fit_sets(
    probabilities: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    coverage: float = COVERAGE,
) -> ConformalSets:
    """Return how prediction sets are formed, and measure them on images outside each fit.

    The nonconformity of a class is 1 - its probability (the least ambiguous sets of Sadinle, Lei and Wasserman 2019,
    JASA 114, 223-234). The most probable class is always in the set, so that no set is empty, which can only raise the
    coverage. The coverage holds on average over images that are exchangeable with the held-out ones; with
    several slices per patient it holds only roughly, so it is measured.

    Args:
        probabilities: (N, C) float, calibrated, of images that the model did not learn from.
        labels: (N,) int, the true classes.
        groups: (N,) int, images with the same number are not independent.
        folds: Rows of a fit, and rows that it is measured on; together all rows.
        coverage: Wanted fraction of images whose true class is in the set.
    """
    scores = 1 - probabilities[np.arange(len(labels)), labels]
    covered, sizes = np.zeros(len(labels), dtype=bool), np.zeros(len(labels))
    for fitted, held in folds:
        limit = conformal_limit(scores[fitted], coverage)
        inside = 1 - probabilities[held] <= limit
        inside[np.arange(len(held)), probabilities[held].argmax(axis=1)] = True
        covered[held] = inside[np.arange(len(held)), labels[held]]
        sizes[held] = inside.sum(axis=1)
    return ConformalSets(
        coverage=coverage,
        limit=conformal_limit(scores, coverage),
        count=len(labels),
        covered=proportion(covered, np.ones(len(labels), dtype=bool), groups),
        size=float(sizes.mean()),
    )


def conformal_limit(scores: np.ndarray, coverage: float) -> float:
    """Return the smallest limit that a new score does not exceed with a probability of at least `coverage`.

    Args:
        scores: (N,) float, nonconformity of the true classes, 0..1.
        coverage: Strictly between 0 and 1.

    Returns:
        The k-th smallest score with k = ceil((N + 1) coverage); 1 if there are too few scores for that.

    Examples:
        >>> conformal_limit(np.arange(1, 11) / 10, 0.9)
        1.0
        >>> conformal_limit(np.arange(1, 20) / 100, 0.9)
        0.18
    """
    place = math.ceil(round((len(scores) + 1) * coverage, 9))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else 1.0
