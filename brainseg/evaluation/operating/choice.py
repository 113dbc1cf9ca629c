"""The choice of a threshold, and of the least margin of a certain answer, on held-out images."""

from __future__ import annotations

import math

import numpy as np
import scipy

from brainseg.errors import DataError
from brainseg.models.operating_point import MarginGoal, ThresholdGoal

LEAST = 20
"""Fewest images of a class for a threshold, and fewest certain answers for a margin."""
_EDGE = 1e-6
"""Probabilities that are nearer to 0 or 1 count as this far away from it, since 0 and 1 have no logit."""
_EQUAL = 1e-9
"""Proportions that differ by less are equal."""


def choose_threshold(probabilities: np.ndarray, actual: np.ndarray, goal: ThresholdGoal) -> float:
    """Return the threshold that meets a goal at the least expense.

    For a sensitivity it is the highest threshold that reaches it, for a specificity the lowest, and for a cost that
    with the least cost on these images; of several such thresholds, the one nearest to 1 / (1 + cost), which is the
    best one for perfect probabilities (Elkan 2001, "The foundations of cost-sensitive learning", IJCAI). Every
    threshold lies halfway between the logits of two neighbouring probabilities, so a temperature does not change which
    images are above it.

    Args:
        probabilities: (N,) float, of the positive class.
        actual: (N,) bool, whether the image is of the positive class.
        goal: What the threshold is for.

    Returns:
        The threshold, strictly between 0 and 1.

    Raises:
        ValueError: No image is of the positive class, or all are.

    Examples:
        >>> found = choose_threshold(
        ...     np.linspace(0.01, 0.99, 50), np.arange(50) >= 20, ThresholdGoal(of="sensitivity", value=0.9)
        ... )
        >>> round(found, 2)
        0.46
    """
    if goal.of == "threshold":
        return goal.value
    if actual.all() or not actual.any():
        raise ValueError(f"A threshold needs images of both sides, got {int(actual.sum())} of {len(actual)}.")
    from sklearn.metrics import roc_curve  # imported here, since it is slow to import and pages rarely choose

    false_positives, true_positives, steps = roc_curve(actual, probabilities, drop_intermediate=False)
    # The curve starts with no image above the threshold (an infinite one) and ends with all.
    above, below = (scipy.special.logit(np.clip(each, _EDGE, 1 - _EDGE)) for each in (steps, np.append(steps[1:], 0)))
    thresholds = scipy.special.expit((above + below) / 2)
    if goal.of == "sensitivity":
        return float(thresholds[np.argmax(true_positives >= goal.value - _EQUAL)])
    if goal.of == "specificity":
        return float(thresholds[np.flatnonzero(1 - false_positives >= goal.value - _EQUAL)[-1]])
    costs = goal.value * (1 - true_positives) * actual.sum() + false_positives * (~actual).sum()
    best = thresholds[costs <= costs.min() + _EQUAL]
    return float(best[np.argmin(np.abs(best - 1 / (1 + goal.value)))])


def needed(goal: ThresholdGoal | MarginGoal) -> int:
    """Return how many images a goal needs: as many that one of them may fail.

    Examples:
        >>> needed(ThresholdGoal(of="sensitivity", value=0.95)), needed(ThresholdGoal(of="sensitivity", value=0.99))
        (20, 100)
    """
    if goal.of in ("cost", "coverage") or goal.value >= 1:
        return LEAST
    return max(LEAST, math.ceil(round(1 / (1 - goal.value), 6)))


def refuse_few(positives: int, negatives: int, goal: ThresholdGoal) -> None:
    """Refuse a goal for which there are too few images.

    Raises:
        DataError: Names how many there are and how many are needed.
    """
    if goal.of == "threshold":
        return
    counted = {"sensitivity": (positives,), "specificity": (negatives,), "cost": (positives, negatives)}
    fewest, least = min(counted[goal.of]), needed(goal)
    if fewest < least:
        which = "the positive class" if fewest == positives and goal.of != "specificity" else "other classes"
        raise DataError(
            f"There are {fewest} held-out images of {which}, and a threshold for a {goal.of} of {goal.value:g} needs "
            f"{least}: use the predictions of a cross-validation, or give the threshold itself."
        )
    if not (positives and negatives):
        raise DataError("All held-out images are of one class, so no threshold can be chosen: give the threshold.")


def choose_margin(margins: np.ndarray, correct: np.ndarray, goal: MarginGoal, least: int | None = None) -> float | None:
    """Return the least margin of a certain answer that meets a goal with the most certain answers.

    For a coverage it is the largest margin that leaves so many answers. Every margin lies halfway between two
    neighbouring ones.

    Args:
        margins: (N,) float, of the answers.
        correct: (N,) bool, whether each is correct.
        goal: What the margin is for.
        least: Fewest certain answers; by default `needed`.

    Returns:
        The margin, 0..1; None if none reaches the accuracy with enough certain answers (see `needed`).

    Examples:
        >>> margins, correct = np.linspace(0.01, 1, 100), np.arange(100) >= 40
        >>> round(choose_margin(margins, correct, MarginGoal(of="accuracy", value=0.9)), 3)
        0.345
    """
    if goal.of == "margin":
        return goal.value
    order = np.argsort(-margins, kind="stable")
    falling = margins[order]
    counts = np.arange(1, len(order) + 1)
    accuracies = np.cumsum(correct[order]) / counts
    # Answers with the same margin stay together; the last place of each margin stands for it.
    places = np.flatnonzero(np.append(np.diff(falling) < 0, True))
    if goal.of == "coverage":
        place = places[np.argmax(counts[places] / len(order) >= goal.value - _EQUAL)]
    else:
        fewest = needed(goal) if least is None else least
        enough = (accuracies[places] >= goal.value - _EQUAL) & (counts[places] >= fewest)
        if not enough.any():
            return None
        place = places[enough][-1]
    below = falling[place + 1] if place + 1 < len(order) else 0.0
    return float(np.clip((falling[place] + below) / 2, 0, 1))
