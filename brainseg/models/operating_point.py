"""How a bundle's model decides: the threshold of its positive class, and which answers are "not certain"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from brainseg.models.proportion import Proportion

MARGIN = 0.2
"""The margin of a model for which none was chosen; with two classes, answers between 40 and 60 % are not certain."""
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ThresholdGoal(BaseModel):
    """What a threshold was chosen for.

    Attributes:
        of: "sensitivity" or "specificity" of at least `value`; "cost": the least cost if a missed image costs `value`
            times as much as a false alarm; "threshold": `value` itself.
        value: Within 0..1, except for a cost.
    """

    model_config = _STRICT

    of: Literal["sensitivity", "specificity", "cost", "threshold"]
    value: float = Field(gt=0)

    @model_validator(mode="after")
    def _within_its_range(self) -> ThresholdGoal:
        if (self.value > 1 and self.of != "cost") or (self.value == 1 and self.of == "threshold"):
            raise ValueError("a sensitivity or specificity of at most 1, or a threshold below 1")
        return self


class MarginGoal(BaseModel):
    """What the least margin of a certain answer was chosen for.

    Attributes:
        of: "accuracy" of the certain answers or "coverage" (the fraction of images with a certain answer) of at least
            `value`; "margin": `value` itself.
        value: Within 0..1.
    """

    model_config = _STRICT

    of: Literal["accuracy", "coverage", "margin"]
    value: float = Field(ge=0, le=1)


class OperatingPoint(BaseModel):
    """How a model decides, and how well it did so on held-out images.

    Attributes:
        threshold: The positive class is predicted from this probability on; None: the highest probability decides.
        margin: An answer with a smaller margin is not certain; see `Decision`.
        threshold_goal: What the threshold was chosen for; None if the highest probability decides.
        margin_goal: What the margin was chosen for; None for the default.
        count: Number of held-out images that both were chosen on; 0 for the default, which nothing was measured for.
        source: Where these images are from.
        measured_on: "outside": held-out images, decided by what was chosen without them; "test": the test set; "same":
            held-out images, and nothing was chosen on them.
        sensitivity: Of the positive class; None without a positive class.
        specificity: Of the positive class; None without a positive class.
        answered: Images with a certain answer.
        correct: Those of them whose answer is correct.
    """

    model_config = _STRICT

    threshold: float | None = Field(None, gt=0, lt=1)
    margin: float = Field(MARGIN, ge=0, le=1)
    threshold_goal: ThresholdGoal | None = None
    margin_goal: MarginGoal | None = None
    count: int = Field(0, ge=0)
    source: Literal["validation", "out-of-fold"] = "validation"
    measured_on: Literal["outside", "test", "same"] = "same"
    sensitivity: Proportion | None = None
    specificity: Proportion | None = None
    answered: Proportion | None = None
    correct: Proportion | None = None


DEFAULT = OperatingPoint()
"""The highest probability decides."""


@dataclass(frozen=True)
class Decision:
    """What a model decides for one image.

    Attributes:
        label: The predicted class.
        margin: How far this class is ahead of the next one, -1..1. If a threshold decides, probabilities are first
            moved so that the threshold becomes 0.5 (the odds are divided by the odds of the threshold).
        certain: Whether the margin is large enough.
    """

    label: str
    margin: float
    certain: bool


def decide(probabilities: Mapping[str, float], positive: str | None, point: OperatingPoint) -> Decision:
    """Return what a model decides.

    Args:
        probabilities: Class -> its probability.
        positive: The class that the threshold is of; None if the model has none.
        point: The model's operating point.

    Examples:
        >>> decide({"no": 0.7, "yes": 0.3}, "yes", DEFAULT).label
        'no'
        >>> decide({"no": 0.7, "yes": 0.3}, "yes", OperatingPoint(threshold=0.2)).label
        'yes'
    """
    names = list(probabilities)
    scores = np.array([list(probabilities.values())], dtype=np.float64)
    codes, margins = decide_all(scores, names.index(positive) if positive in names else None, point.threshold)
    margin = float(margins[0])
    return Decision(names[int(codes[0])], margin, margin >= point.margin)


def decide_all(
    probabilities: np.ndarray, positive: int | None, threshold: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted classes of many images, and their margins.

    The positive class is predicted from the threshold on, and otherwise the most probable of the other classes.

    Args:
        probabilities: (N, C) float, each row sums to 1.
        positive: The column of the positive class; None if there is none.
        threshold: Its threshold, strictly between 0 and 1; None: the highest probability decides.

    Returns:
        (N,) int64 classes, and (N,) float64 margins as in `Decision`.
    """
    rows = np.arange(len(probabilities))
    if threshold is None or positive is None:
        moved, codes = probabilities, probabilities.argmax(axis=1)
    else:
        moved = _moved(probabilities, positive, threshold)
        others = np.delete(probabilities, positive, axis=1).argmax(axis=1)
        others += others >= positive  # columns behind the one that was left out
        codes = np.where(probabilities[:, positive] >= threshold, positive, others)
    rest = moved.copy()
    rest[rows, codes] = -1
    return codes, moved[rows, codes] - rest.max(axis=1)


def _moved(probabilities: np.ndarray, positive: int, threshold: float) -> np.ndarray:
    """Return probabilities with the odds of one class divided by the odds of its threshold, (N, C) float64."""
    own = probabilities[:, positive]
    part, rest = own * (1 - threshold), (1 - own) * threshold
    own_moved = part / (part + rest)
    others = np.divide(1 - own_moved, 1 - own, out=np.zeros_like(own), where=own < 1)
    moved: np.ndarray = probabilities * others[:, None]
    moved[:, positive] = own_moved
    return moved


def uncertain_range(point: OperatingPoint) -> tuple[float, float]:
    """Return between which probabilities of the positive class an answer is not certain, for two classes.

    Examples:
        >>> [round(bound, 2) for bound in uncertain_range(DEFAULT)]
        [0.4, 0.6]
    """
    threshold = 0.5 if point.threshold is None else point.threshold
    low, high = ((1 + side * point.margin) / 2 for side in (-1, 1))
    return _unmoved(low, threshold), _unmoved(high, threshold)


def _unmoved(moved: float, threshold: float) -> float:
    part, rest = moved * threshold, (1 - moved) * (1 - threshold)
    return part / (part + rest)


def joint_point(points: list[OperatingPoint], classes: int) -> OperatingPoint:
    """Return how the mean of several models decides: by the mean of their thresholds, and by their largest margin.

    With two classes, the threshold of a model without one is 0.5. With more, the highest mean probability decides
    unless all models have a threshold.

    Args:
        points: The operating point of each model.
        classes: Number of classes.
    """
    thresholds = [each.threshold if each.threshold or classes > 2 else 0.5 for each in points]
    known = [each for each in thresholds if each is not None]
    chosen = any(each.threshold for each in points) and len(known) == len(points)
    return OperatingPoint(
        threshold=float(np.mean(known)) if chosen else None, margin=max(each.margin for each in points)
    )
