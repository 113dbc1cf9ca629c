"""How a training reports what it does: a small protocol that knows no store and no screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Progress:
    """The current progress of a training.

    Attributes:
        phase: "preparing", "finding", "frozen", "unfrozen", "features" or "evaluating".
        step: Batches or images done in this phase's current pass.
        steps: Batches or images of that pass.
        epoch: The epoch under way, from 1; 0 outside the epochs.
        epochs: Epochs of the whole run.
    """

    phase: str
    step: int = 0
    steps: int = 0
    epoch: int = 0
    epochs: int = 0


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """The metrics of one epoch; seconds are wall time, validation included.

    For a classification, losses are mean cross-entropies in nats and the metrics are about images. For a segmentation,
    losses are those that `training.loss` names, and Dice, sensitivity and specificity are about the tumour's pixels of
    all validation slices together; the fraction of correct pixels would be near 1 for any model, so there is no
    accuracy.
    """

    phase: str
    epoch: int
    train_loss: float
    valid_loss: float
    accuracy: float | None = None
    dice: float | None = None
    sensitivity: float
    specificity: float
    learning_rate: float
    seconds: float

    @property
    def headline(self) -> str:
        """The task's headline metric in words."""
        return f"Dice {self.dice:.3f}" if self.accuracy is None else f"accuracy {self.accuracy:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by column name; metrics that the task does not have are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class RunLog(Protocol):
    """Receives what a training reports."""

    def message(self, sentence: str) -> None:
        """Take a sentence for the user."""

    def progress(self, progress: Progress) -> None:
        """Take the current progress; called often."""

    def epoch(self, epoch: EpochMetrics) -> None:
        """Take the metrics of a finished epoch; a resumed training replays its earlier epochs."""

    def cancelled(self) -> bool:
        """Return whether the training should stop; called before every batch."""
