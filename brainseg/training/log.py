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


@dataclass(frozen=True)
class EpochFigures:
    """The figures of one epoch. Losses are mean cross-entropies in nats; seconds are wall time, validation included."""

    phase: str
    epoch: int
    train_loss: float
    valid_loss: float
    accuracy: float
    sensitivity: float
    specificity: float
    learning_rate: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by column name."""
        return asdict(self)


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
