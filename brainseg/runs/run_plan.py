"""The plan of a cross-validation, and how many of its folds, or of the trials of a search, are in which state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """What a cross-validation consists of.

    Attributes:
        folds: Number of folds, at least 2.
        repeats: How often the folds are drawn, each time with another seed; at least 1.
        inner: Number of inner folds on which candidates are compared; 0 if there are no candidates.
        candidates: Settings by dotted name; before a fold is trained, one candidate is chosen on the inner folds.
    """

    folds: int
    repeats: int = 1
    inner: int = 0
    candidates: tuple[Mapping[str, Any], ...] = ()

    @property
    def places(self) -> list[tuple[int, int]]:
        """The repeat and the fold of every child, both counted from 0.

        >>> Plan(2, 2).places
        [(0, 0), (0, 1), (1, 0), (1, 1)]
        """
        return [(repeat, fold) for repeat in range(self.repeats) for fold in range(self.folds)]

    @property
    def inner_places(self) -> list[tuple[int, int]]:
        """The candidate and the inner fold of every inner run of one fold, both counted from 0."""
        return [(candidate, inner) for candidate in range(len(self.candidates)) for inner in range(self.inner)]

    @property
    def total(self) -> int:
        """Number of trainings."""
        return len(self.places) * (1 + len(self.inner_places))


@dataclass(frozen=True)
class FoldCounts:
    """How many folds of a cross-validation, over all repeats, outer and inner, are in which state.

    Attributes:
        total: As planned.
        finished: Trained and evaluated.
        failed: Failed.
        cancelled: Cancelled.
        running: In training.
        waiting: In the queue.
        later: Outer folds that are queued once their inner folds have ended.
        what: What is counted: "folds", or "trainings" where inner folds are among them.
    """

    total: int
    finished: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0
    later: int = 0
    what: str = "folds"

    @property
    def missing(self) -> int:
        """Folds without a run: they were never queued, or their runs were deleted."""
        made = self.finished + self.failed + self.cancelled + self.running + self.waiting
        return self.total - made - self.later

    def words(self) -> str:
        """Return the counts in words, without those that are 0.

        >>> FoldCounts(5, finished=3, failed=1).words()
        '3 of 5 folds finished, 1 failed, 1 has no run'
        >>> FoldCounts(4, cancelled=2).words()
        '0 of 4 folds finished, 2 were cancelled, 2 have no run'
        """
        states = (
            (self.running, "is running", "are running"),
            (self.waiting, "waits", "wait"),
            (self.later, "follows", "follow"),
            (self.failed, "failed", "failed"),
            (self.cancelled, "was cancelled", "were cancelled"),
            (self.missing, "has no run", "have no run"),
        )
        others = [f"{count} {one if count == 1 else many}" for count, one, many in states if count]
        return ", ".join([f"{self.finished} of {self.total} {self.what} finished", *others])


@dataclass(frozen=True)
class TrialCounts:
    """How many trials of a search are in which state.

    Attributes:
        total: Most trials, as planned.
        finished: Trained and evaluated.
        pruned: Ended early, since they were worse than the median of the others.
        failed: Failed.
        cancelled: Cancelled.
        running: In training.
        waiting: In the queue.
        confirming: Confirmations of the winner that wait or run.
    """

    total: int
    finished: int = 0
    pruned: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0
    confirming: int = 0

    @property
    def made(self) -> int:
        """Trials that have a run."""
        return self.finished + self.pruned + self.failed + self.cancelled + self.running + self.waiting

    @property
    def ended(self) -> int:
        """Trials that have ended, in whatever way."""
        return self.made - self.live

    @property
    def live(self) -> int:
        """Trials that wait or run."""
        return self.running + self.waiting

    def words(self) -> str:
        """Return the counts in words, without those that are 0.

        >>> TrialCounts(20, finished=3, pruned=1, running=1).words()
        '3 of up to 20 trials finished, 1 was pruned, 1 is running'
        """
        states = (
            (self.pruned, "was pruned", "were pruned"),
            (self.running, "is running", "are running"),
            (self.waiting, "waits", "wait"),
            (self.failed, "failed", "failed"),
            (self.cancelled, "was cancelled", "were cancelled"),
        )
        others = [f"{count} {one if count == 1 else many}" for count, one, many in states if count]
        confirming = ["the winner is being confirmed"] if self.confirming else []
        return ", ".join([f"{self.finished} of up to {self.total} trials finished", *others, *confirming])
