"""What a training stores about its course, with types: the rows of `epochs.csv`, and `learning_rate.json`."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class EpochRow(TypedDict):
    """One row of `epochs.csv`; see `EpochMetrics`. NaN is a metric that is not defined for that epoch."""

    phase: str
    epoch: int
    train_loss: float
    valid_loss: float
    accuracy: NotRequired[float]
    dice: NotRequired[float]
    sensitivity: float
    specificity: float
    learning_rate: float
    seconds: float


class RateSearch(TypedDict):
    """The result of the learning-rate finder; see `learner.find_learning_rate`.

    Attributes:
        suggestion: The suggested learning rate; None if there is none.
        learning_rate: The rate of each step.
        loss: The loss of each step's batch.
        smoothed_loss: The smoothed loss after each step.
    """

    suggestion: float | None
    learning_rate: list[float]
    loss: list[float | None]
    smoothed_loss: list[float | None]
