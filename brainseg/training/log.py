"""How a training tells the outside what it does: a small protocol that knows no store and no screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Progress:
    """Where a training is.

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
class EpochFigures:
    """The figures of one epoch; seconds are wall time, validation included.

    Classifying, losses are mean cross-entropies in nats and the figures are about images. Segmenting, losses are those
    that `training.loss` names, and Dice, sensitivity and specificity are about the tumour's pixels of all validation
    slices together; a share of pixels called right would say nothing, so there is no accuracy.
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
        """The task's headline figure in words."""
        return f"Dice {self.dice:.3f}" if self.accuracy is None else f"accuracy {self.accuracy:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by column name; what the task has no figure for is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class RunLog(Protocol):
    """What a training reports to."""

    def say(self, sentence: str) -> None:
        """Take a sentence for people."""

    def progress(self, progress: Progress) -> None:
        """Take where the training is; called often."""

    def epoch(self, figures: EpochFigures) -> None:
        """Take the figures of a finished epoch; a resumed training tells its earlier ones again."""

    def cancelled(self) -> bool:
        """Say whether the training should stop; asked before every batch."""
