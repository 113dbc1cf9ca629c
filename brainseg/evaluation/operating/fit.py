"""Chooses an operating point on held-out images, and measures it on images that had no part in the choice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from brainseg.errors import DataError
from brainseg.evaluation.calibration.fit import LEAST_GROUPS, folds
from brainseg.evaluation.operating.choice import choose_margin, choose_threshold, needed, refuse_few
from brainseg.evaluation.operating.held_out import Scores
from brainseg.evaluation.proportions import proportion
from brainseg.models.operating_point import (
    MARGIN,
    MarginGoal,
    OperatingPoint,
    ThresholdGoal,
    decide_all,
)


@dataclass(frozen=True)
class Goals:
    """What an operating point is for.

    Attributes:
        threshold: None: the highest probability decides.
        margin: None: the default margin.
    """

    threshold: ThresholdGoal | None = None
    margin: MarginGoal | None = None

    @property
    def chosen(self) -> bool:
        """Whether anything is chosen on images, and not given."""
        given = (None, "threshold", "margin")
        return any(goal is not None and goal.of not in given for goal in (self.threshold, self.margin))

    def on(self, scores: Scores, part: float = 1.0) -> tuple[float | None, float | None]:
        """Return the threshold that these images give, and the margin; None for a margin if no one reaches its goal.

        Args:
            scores: Probabilities of held-out images.
            part: Which fraction of all held-out images they are; so many certain answers fewer are enough.

        Raises:
            ValueError: There is no positive class, or all images are of one side.
        """
        threshold = None
        if self.threshold:
            threshold = choose_threshold(scores.positive_probabilities, scores.actual, self.threshold)
        if self.margin is None:
            return threshold, MARGIN
        codes, margins = decide_all(scores.probabilities, scores.positive, threshold)
        least = math.ceil(part * needed(self.margin))
        return threshold, choose_margin(margins, codes == scores.labels, self.margin, least)


def fit_operating_point(
    scores: Scores,
    goals: Goals,
    source: Literal["validation", "out-of-fold"] = "validation",
    test: Scores | None = None,
) -> OperatingPoint:
    """Choose the operating point of a model, and measure it.

    It is measured on the test set if there is one. Otherwise the held-out images are cut into five parts by group, and
    each part is decided by what the other four give.

    Args:
        scores: Probabilities of held-out images, without copies of training images.
        goals: What it is for.
        source: Where these images are from.
        test: Probabilities of the test set, which has no part in the choice.

    Raises:
        DataError: There are too few images, or none reaches a goal.
    """
    _refuse(scores, goals)
    threshold, margin = goals.on(scores)
    if margin is None and goals.margin:
        raise DataError(
            f"No margin reaches an accuracy of {goals.margin.value:g} with at least {needed(goals.margin)} certain "
            "answers: choose a lower accuracy."
        )
    margin = MARGIN if margin is None else margin
    measured_on: Literal["outside", "test", "same"] = "same"
    measured = scores
    if test is not None:
        measured_on, measured = "test", test
    if measured_on != "test" and goals.chosen:
        measured_on = "outside"
        codes, certain = _crossfitted(scores, goals)
    else:
        codes, margins = decide_all(measured.probabilities, measured.positive, threshold)
        certain = margins >= margin
    has_positive = measured.positive is not None
    called, correct = codes == measured.positive, codes == measured.labels
    groups, everyone = measured.groups, np.ones(len(codes), dtype=bool)
    return OperatingPoint(
        threshold=threshold,
        margin=margin,
        threshold_goal=goals.threshold,
        margin_goal=goals.margin,
        count=len(scores.labels),
        source=source,
        measured_on=measured_on,
        sensitivity=proportion(called, measured.actual, groups) if has_positive else None,
        specificity=proportion(~called, ~measured.actual, groups) if has_positive else None,
        answered=proportion(certain, everyone, groups),
        correct=proportion(correct, certain, groups),
    )


def _refuse(scores: Scores, goals: Goals) -> None:
    if goals.threshold:
        if scores.positive is None:
            raise DataError(
                "This model has no positive class, so it has no threshold: set data.positive and train it again, or "
                "choose only which answers are not certain."
            )
        positives = int(scores.actual.sum())
        refuse_few(positives, len(scores.actual) - positives, goals.threshold)
    if goals.margin and goals.margin.of != "margin" and len(scores.labels) < needed(goals.margin):
        raise DataError(
            f"There are {len(scores.labels)} held-out images, and a goal for the certain answers needs "
            f"{needed(goals.margin)}: use the predictions of a cross-validation, or give the margin itself."
        )
    if goals.chosen and (units := len(np.unique(scores.groups))) < LEAST_GROUPS:
        raise DataError(
            f"The held-out images are of {units} patients or groups of copies, and choosing an operating point needs "
            f"{LEAST_GROUPS}: give the threshold or the margin itself."
        )


def _crossfitted(scores: Scores, goals: Goals) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted classes, (N,) int64, and whether they are certain, (N,) bool, each from other folds."""
    codes, certain = np.zeros(len(scores.labels), dtype=np.int64), np.zeros(len(scores.labels), dtype=bool)
    for fitted, held in folds(scores.groups):
        try:
            threshold, margin = goals.on(scores.part(fitted), len(fitted) / len(scores.labels))
        except ValueError as error:
            raise DataError(
                "All images of one class are of a few patients, so a threshold for it cannot be measured on others: "
                "give the threshold itself."
            ) from error
        if margin is None and goals.margin:
            raise DataError(
                f"An accuracy of {goals.margin.value:g} is reached on all held-out images, but not on each four fifths "
                "of them, so it cannot be measured on other images: choose a lower accuracy."
            )
        held_codes, margins = decide_all(scores.probabilities[held], scores.positive, threshold)
        codes[held], certain[held] = held_codes, margins >= (MARGIN if margin is None else margin)
    return codes, certain
