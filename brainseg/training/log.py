"""The protocol by which a training reports its progress, independent of any store or screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from brainseg.errors import BrainsegError


class TrainingCancelled(BrainsegError):
    """The user cancelled the run."""


@dataclass(frozen=True)
class Progress:
    """The current progress of a training.

    Attributes:
        phase: "preparing", "finding", "frozen", "unfrozen", "features" or "evaluating"; or "robustness", of a check.
        step: Batches or images done in the current pass of this phase.
        steps: All batches or images of that pass.
        epoch: The current epoch, from 1; 0 outside the epochs.
        epochs: All epochs of the run.
    """

    phase: str
    step: int = 0
    steps: int = 0
    epoch: int = 0
    epochs: int = 0


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """The metrics of one epoch; seconds are wall time, including validation.

    For classification, losses are mean cross-entropies in nats, and the metrics count images. For segmentation, the
    setting `training.loss` chooses the loss, and Dice, sensitivity and specificity count the tumour's pixels in all
    validation slices together. Segmentation has no accuracy, since the fraction of correct pixels is near 1 for any
    model.
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
        """The task's main metric in words."""
        return f"Dice {self.dice:.3f}" if self.accuracy is None else f"accuracy {self.accuracy:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by column name; metrics that the task does not have are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class RunLog(Protocol):
    """Receives the reports of a training."""

    def message(self, sentence: str) -> None:
        """Receive a sentence for the user."""

    def progress(self, progress: Progress) -> None:
        """Receive the current progress; called often."""

    def epoch(self, epoch: EpochMetrics) -> None:
        """Receive the metrics of a finished epoch; a resumed training reports its earlier epochs again."""

    def cancelled(self) -> bool:
        """Return whether the training should stop; called before every batch."""
