"""The progress of a run and its remaining time, from its progress file and the times of its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brainseg.app.widgets.time_estimate import duration
from brainseg.jobs.workspace import StoredProgress
from brainseg.results.run_wording import PHASES

VALIDATION = 1.15
"""Time of an epoch with its validation, relative to its training batches. The fifth that is held out by default only
takes a forward pass, which costs `time_estimate.FORWARD` of a training pass (0.4 * 0.2 / 0.8 = 0.1); the rest allows
for storing the checkpoint. Only the first epoch uses this factor: later epochs are measured."""
RECENT = 3
"""Number of latest epochs from which the time of the next one is estimated."""


@dataclass(frozen=True)
class Place:
    """The progress of a run.

    Attributes:
        phase: Its current phase, in words.
        epoch: The current epoch, from 1; 0 outside the epochs.
        epochs: Epochs of the whole run.
        step: Batches or images done in this phase's current pass.
        steps: Batches or images of that pass.
        left: Seconds to the end of the last epoch, of a finder or of a robustness check; None while this is unknown.
    """

    phase: str
    epoch: int
    epochs: int
    step: int
    steps: int
    left: float | None

    @property
    def whole(self) -> float:
        """Fraction of the epochs that is done, 0 to 1."""
        return min(max((self.epoch - 1 + self.part) / self.epochs, 0.0), 1.0) if self.epoch and self.epochs else 0.0

    @property
    def part(self) -> float:
        """Fraction of this pass that is done, 0 to 1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0

    def time_left(self, patient: bool = False) -> str:
        """Return the remaining time in words; "" if it is unknown.

        Args:
            patient: Whether the training may stop early (it has a patience).
        """
        if self.left is None:
            return "time left is shown after the first batches" if self.epoch or self.phase == PHASES[""] else ""
        return f"{'at most ' if patient else ''}about {duration(self.left)} left"


def place(progress: StoredProgress, epoch_seconds: Sequence[float], now: float) -> Place:
    """Read a run's progress.

    Args:
        progress: What `Workspace.read_progress` returns; may be empty.
        epoch_seconds: Times of the finished epochs, oldest first.
        now: Seconds since 1970.
    """
    phase, step, steps = progress.get("phase", ""), progress.get("step", 0), progress.get("steps", 0)
    epoch, epochs = progress.get("epoch", 0), progress.get("epochs", 0)
    spent = max(now - progress.get("started", now), 0.0)
    left = None
    if epoch:
        left = _epochs_left(epochs - epoch, spent, step / steps if steps else 0.0, epoch_seconds)
    elif phase in ("finding", "robustness") and step:
        left = spent / step * (steps - step)
    return Place(PHASES.get(phase, "Working"), epoch, epochs, step, steps, left)


def _epochs_left(more: int, spent: float, part: float, epoch_seconds: Sequence[float]) -> float | None:
    """Return the seconds for the rest of this epoch and for `more` whole epochs."""
    if recent := epoch_seconds[-RECENT:]:
        whole = sum(recent) / len(recent)
    elif part > 0 and spent > 0:
        whole = spent / part * VALIDATION
    else:
        return None
    return max(whole - spent, 0.0) + more * whole
