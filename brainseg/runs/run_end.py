"""`RunEnd`: how a run ended, for programs (its kind) and for people (its message and the end of its log)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndKind(StrEnum):
    """Why a run ended. The values are stored with runs, so they never change."""

    FINISHED = "finished"
    """It trained to its end."""
    COLLAPSED = "collapsed"
    """It trained to its end, but the model gives one answer to everything."""
    CANCELLED = "cancelled"
    """A user cancelled it."""
    REFUSED = "refused"
    """Something that the user can fix stopped it."""
    CRASHED = "crashed"
    """A fault of brainseg's own stopped it."""
    DIED = "died"
    """The trainer process ended without recording why, as when memory runs out."""
    LOST = "lost"
    """Trainer and supervisor ended without recording why, as after a power cut."""
    UNSUPERVISED = "unsupervised"
    """The supervisor was stopped, so the trainer stopped too."""
    MOVED = "moved"
    """The home folder was moved or copied during the training."""
    UNKNOWN = "unknown"
    """Not recorded, as for runs of brainseg 0.1.0."""


RESUMABLE = frozenset({EndKind.CANCELLED, EndKind.DIED, EndKind.LOST, EndKind.UNSUPERVISED, EndKind.MOVED})
"""Ends after which a run can simply continue: nothing was wrong with the run itself."""


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        kind: The cause.
        message: The cause in one sentence; "" for a run that finished well, or where nothing is recorded.
        log_tail: The last lines of the log, where the trainer could not record the cause itself; "" otherwise.
    """

    kind: EndKind
    message: str = ""
    log_tail: str = ""

    @property
    def resumable(self) -> bool:
        """Whether `resume` continues the run without any change of settings or data."""
        return self.kind in RESUMABLE
