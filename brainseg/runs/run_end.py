"""`RunEnd`: how a run ended; a kind for programs, a message and the end of the log for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndKind(StrEnum):
    """Why a run ended. The values are stored with runs, so they never change."""

    FINISHED = "finished"
    """The training finished."""
    COLLAPSED = "collapsed"
    """The training finished, but the model predicts one class for everything."""
    CANCELLED = "cancelled"
    """A user cancelled it."""
    REFUSED = "refused"
    """Something that the user can fix stopped it."""
    CRASHED = "crashed"
    """A fault in brainseg stopped it."""
    DIED = "died"
    """The trainer process ended without recording why, for example because memory ran out."""
    LOST = "lost"
    """Trainer and supervisor ended without recording why, for example because of a power cut."""
    UNSUPERVISED = "unsupervised"
    """The supervisor was stopped, so the trainer stopped too."""
    MOVED = "moved"
    """The home folder was moved or copied during the training."""
    INCOMPLETE = "incomplete"
    """Folds of a cross-validation failed or have no run, or a search was interrupted."""
    STORE = "store"
    """The server of the run store could not store the files of the run."""
    NOT_STARTED = "not-started"
    """Its launcher could not start it."""
    PRUNED = "pruned"
    """A trial of a search ended early, since it was worse than the median of the others."""
    UNKNOWN = "unknown"
    """The kind is not recorded, as for runs of brainseg 0.1.0."""


RESUMABLE = frozenset(
    {
        EndKind.CANCELLED,
        EndKind.DIED,
        EndKind.LOST,
        EndKind.UNSUPERVISED,
        EndKind.MOVED,
        EndKind.INCOMPLETE,
        EndKind.STORE,
        EndKind.NOT_STARTED,
    }
)
"""Kinds after which a run can be resumed unchanged, since nothing was wrong with the run itself."""


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        kind: The cause.
        message: The cause in one sentence; "" for a run that finished normally, or if nothing is recorded.
        log_tail: The last lines of the log if the trainer could not record the cause itself; "" otherwise.
    """

    kind: EndKind
    message: str = ""
    log_tail: str = ""

    @property
    def resumable(self) -> bool:
        """Whether `resume` continues the run without any change of settings or data."""
        return self.kind in RESUMABLE
