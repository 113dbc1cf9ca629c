"""`SearchResult`: what is known of a search, and the same as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from typing_extensions import TypedDict

from brainseg.runs import Run
from brainseg.search.plan import SearchPlan

Interval = tuple[float, float]


class TrialValues(TypedDict):
    """One trial as JSON; `value` is the metric of the validation set, None unless the trial is complete."""

    run_id: str
    name: str
    number: int
    state: str
    settings: dict[str, Any]
    value: float | None
    reason: str


class ConfirmationValues(TypedDict):
    """The confirmation of the winner as JSON.

    Attributes:
        run_id: The run that confirms it.
        how: "test" or "folds".
        status: Its status.
        images: Number of images that it was evaluated on; None unless it has finished, as for the next four.
        value: The metric there.
        interval: Its 95 % interval; None where there is none.
        optimism: The winner's value on the validation set minus `value`.
        optimism_interval: The 95 % interval of the optimism; None where there is none, as always for "folds".
    """

    run_id: str
    how: str
    status: str
    images: int | None
    value: float | None
    interval: Interval | None
    optimism: float | None
    optimism_interval: Interval | None


class SearchValues(TypedDict):
    """A search as JSON: the part of `search show --json` that other runs do not have.

    Attributes:
        method: "tpe", "random" or "grid".
        metric: The metric of the validation set that is maximised.
        ranges: The ranges, as users write them.
        budget: Most trials, hours and epochs; 0: no limit.
        trials: The trials, by number.
        best: Id of the run with the best value so far; None if there is none.
        importance: Setting -> its importance; empty where there is no estimate.
        importance_method: How it was estimated.
        confirmation: The confirmation of the best trial; None if there is none (yet).
    """

    method: str
    metric: str
    ranges: list[str]
    budget: dict[str, float]
    trials: list[TrialValues]
    best: str | None
    importance: dict[str, float]
    importance_method: str
    confirmation: ConfirmationValues | None


@dataclass(frozen=True)
class TrialResult:
    """One trial.

    Attributes:
        run: Its run.
        number: Counted from 0.
        point: The searched settings.
        state: "complete", "pruned", "failed", "cancelled", "running" or "queued".
        value: The metric of the validation set; None unless it is complete.
    """

    run: Run
    number: int
    point: Mapping[str, Any]
    state: str
    value: float | None

    def values(self) -> TrialValues:
        """Return the trial as values that JSON can hold."""
        return {
            "run_id": self.run.id,
            "name": self.run.name,
            "number": self.number,
            "state": self.state,
            "settings": dict(self.point),
            "value": self.value,
            "reason": self.run.reason,
        }


@dataclass(frozen=True)
class Confirmation:
    """The confirmation of the winner; its attributes are those of `ConfirmationValues`."""

    run: Run
    how: Literal["test", "folds"]
    images: int | None = None
    value: float | None = None
    interval: Interval | None = None
    optimism: float | None = None
    optimism_interval: Interval | None = None

    def values(self) -> ConfirmationValues:
        """Return the confirmation as values that JSON can hold."""
        return {
            "run_id": self.run.id,
            "how": self.how,
            "status": self.run.status,
            "images": self.images,
            "value": self.value,
            "interval": self.interval,
            "optimism": self.optimism,
            "optimism_interval": self.optimism_interval,
        }


@dataclass(frozen=True)
class SearchResult:
    """What is known of a search.

    Attributes:
        search: The parent run.
        plan: Its plan.
        trials: Its trials, by number.
        best: The trial with the highest value so far; None if none is complete.
        best_interval: The 95 % interval of that value; it does not allow for the choice among the trials.
        importance: Setting -> its importance; empty where there is no estimate.
        importance_method: How it was estimated.
        confirmation: The confirmation of `best`; None if there is none (yet).
    """

    search: Run
    plan: SearchPlan
    trials: tuple[TrialResult, ...]
    best: TrialResult | None
    best_interval: Interval | None
    importance: dict[str, float]
    importance_method: str
    confirmation: Confirmation | None

    def values(self) -> SearchValues:
        """Return the result as values that JSON can hold."""
        plan = self.plan
        return {
            "method": plan.method,
            "metric": plan.metric,
            "ranges": [each.words() for each in plan.ranges],
            "budget": {"trials": plan.trials, "hours": plan.hours, "epochs": plan.epochs},
            "trials": [trial.values() for trial in self.trials],
            "best": self.best.run.id if self.best else None,
            "importance": self.importance,
            "importance_method": self.importance_method,
            "confirmation": self.confirmation.values() if self.confirmation else None,
        }
