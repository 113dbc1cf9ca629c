"""`CrossvalResult`: what is known of a cross-validation, and the same as values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict

from brainseg.evaluation.crossval.folds import METHOD, FoldSummary
from brainseg.evaluation.crossval.pooled import PooledInterval
from brainseg.runs import Run

Metrics = dict[str, float | None]
"""Name of a metric -> its value; None where it is not defined."""


class PooledMetrics(TypedDict):
    """The stored part of `evaluation.crossval.pooled.Pooled`: all but the complete evaluation."""

    metrics: Metrics
    intervals: dict[str, PooledInterval | None]
    count: int
    units: int
    unit: str
    repeats: int


class FoldValues(TypedDict):
    """One fold as JSON; `run_id`, `name` and `metrics` are None for a fold without a run or without metrics."""

    run_id: str | None
    name: str | None
    repeat: int
    fold: int
    status: str
    metrics: Metrics | None


class ChoiceValues(TypedDict):
    """The choice of settings for one outer fold, made on inner folds of its training side.

    Attributes:
        repeat: Counted from 0.
        fold: Counted from 0.
        winner: The chosen settings, by dotted name.
        means: Each candidate's settings as text -> mean of the headline metric over the inner folds; None where it is
            not defined.
    """

    repeat: int
    fold: int
    winner: dict[str, Any]
    means: dict[str, float | None]


class CrossvalValues(TypedDict):
    """A cross-validation as JSON: the part of `show --json` that other runs do not have.

    Attributes:
        folds: Each fold of each repeat.
        mean: Mean of each metric over all folds; None unless the cross-validation is complete, as for all that follow.
        sd: Standard deviation over all folds, with n - 1.
        interval: 95 % interval of each mean; its method is `interval_method`.
        interval_method: How these intervals were computed.
        pooled: Metrics of the pooled out-of-fold predictions, with their intervals.
        choices: The choice of settings for each fold of a nested cross-validation; empty for any other.
        complete: Whether every fold has finished and the folds belong together.
        problem: Why it is not complete, in one sentence; None if it is.
    """

    folds: list[FoldValues]
    mean: Metrics | None
    sd: Metrics | None
    interval: dict[str, tuple[float, float] | None] | None
    interval_method: str
    pooled: PooledMetrics | None
    choices: list[ChoiceValues]
    complete: bool
    problem: str | None


@dataclass(frozen=True)
class Fold:
    """One fold of one repeat.

    Attributes:
        repeat: Counted from 0.
        fold: Counted from 0.
        run: Its run; None if it was never queued or was deleted.
        metrics: Its metrics; None unless it has finished.
    """

    repeat: int
    fold: int
    run: Run | None
    metrics: Metrics | None = None

    def values(self) -> FoldValues:
        """Return the fold as values that JSON can hold."""
        return {
            "run_id": self.run.id if self.run else None,
            "name": self.run.name if self.run else None,
            "repeat": self.repeat,
            "fold": self.fold,
            "status": self.run.status if self.run else "MISSING",
            "metrics": self.metrics,
        }


@dataclass(frozen=True)
class CrossvalResult:
    """What is known of a cross-validation.

    Attributes:
        parent: The parent run.
        folds: Each fold of each repeat, in order.
        summaries: Name of a metric -> its summary over the folds; empty unless complete.
        pooled: Metrics of the pooled predictions; None unless complete.
        problem: Why it is not complete, in one sentence; "" if it is.
        choices: The choices made so far in a nested cross-validation.
        caveats: Why the metrics may be too good: the phrases of `evaluation.caveats.caveats_of`.
    """

    parent: Run
    folds: tuple[Fold, ...]
    summaries: dict[str, FoldSummary]
    pooled: PooledMetrics | None
    problem: str
    caveats: tuple[str, ...] = ()
    choices: tuple[ChoiceValues, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every fold has finished and the folds belong together."""
        return self.pooled is not None

    def values(self) -> CrossvalValues:
        """Return the result as values that JSON can hold."""
        summaries = self.summaries.items()
        return {
            "folds": [fold.values() for fold in self.folds],
            "mean": {name: each.mean for name, each in summaries} if self.complete else None,
            "sd": {name: each.sd for name, each in summaries} if self.complete else None,
            "interval": {name: each.interval for name, each in summaries} if self.complete else None,
            "interval_method": METHOD,
            "pooled": self.pooled,
            "choices": list(self.choices),
            "complete": self.complete,
            "problem": self.problem or None,
        }


def plain_values(result: CrossvalResult | None) -> dict[str, Any]:
    """Return the fields that `show --json` adds for a cross-validation; none for any other run."""
    return {**result.values()} if result else {}
