"""`SearchPlan`: what a search consists of, as it is stored with the search."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from brainseg.config import RunConfig
from brainseg.errors import ConfigError
from brainseg.search.ranges import Range

Method = Literal["tpe", "random", "grid"]
Confirm = Literal["test", "folds", "none"]
MOST_TRIALS = 1000
TRIALS = 20
"""Trials of a search unless the user sets another number."""
TEST_FRACTION = 0.2
"""Fraction of the images that a search keeps for the confirmation, unless `data.test_fraction` sets another."""
MOST_PARALLEL = 64
AUTOMATIC = 0
"""Number of trials in the queue at a time that leaves the choice to what trains them."""
CONFIRM_FOLDS = 5
"""Number of folds on which a winner is confirmed with `folds`."""
_EPOCHS = ("training.epochs", "training.frozen_epochs")


@dataclass(frozen=True)
class SearchPlan:
    """What a search consists of.

    Attributes:
        ranges: What each setting may be.
        trials: Most trials.
        method: "tpe" (Bayesian), "random" or "grid".
        metric: The metric of the validation set that is maximised, by its name in the evaluation.
        seed: Seed of the proposals.
        hours: Hours of training after which no further trial begins; 0: no limit.
        epochs: Most epochs of all trials together; 0: no limit.
        prune: Whether trials that are worse than the median of the others end early.
        parallel: Trials that are in the queue at a time; `AUTOMATIC` until the search is queued.
        confirm: How the winner is confirmed: "test" (on a test set that the search leaves out), "folds" (by a
            cross-validation on other folds), or "none".
    """

    ranges: tuple[Range, ...]
    trials: int = TRIALS
    method: Method = "tpe"
    metric: str = "accuracy"
    seed: int = 42
    hours: float = 0.0
    epochs: int = 0
    prune: bool = True
    parallel: int = 1
    confirm: Confirm = "test"

    @property
    def size(self) -> float:
        """Number of combinations; infinite if a range has infinitely many values."""
        return math.prod(math.inf if each.values is None else len(each.values) for each in self.ranges)

    @property
    def names(self) -> list[str]:
        """The settings that are searched."""
        return [each.name for each in self.ranges]

    def to_json(self) -> str:
        """Return the plan as text, which `from_json` reads back."""
        values = {name: getattr(self, name) for name in _PLAIN}
        return json.dumps({**values, "ranges": [each.to_json() for each in self.ranges]})

    @classmethod
    def from_json(cls, text: str) -> SearchPlan:
        """Return the plan that `to_json` wrote.

        Raises:
            ValueError: The text is damaged.
        """
        try:
            values = json.loads(text)
            ranges = tuple(Range.from_json(each) for each in values["ranges"])
            plan = cls(
                ranges=ranges,
                trials=int(values["trials"]),
                method=_one_of(Method, values["method"]),
                metric=str(values["metric"]),
                seed=int(values["seed"]),
                hours=float(values["hours"]),
                epochs=int(values["epochs"]),
                prune=bool(values["prune"]),
                parallel=int(values["parallel"]),
                confirm=_one_of(Confirm, values["confirm"]),
            )
        except (TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"the plan lacks a value or has one of another type: {error}") from error
        if not ranges or plan.trials < 1 or plan.parallel < AUTOMATIC:
            raise ValueError("the plan has no ranges or no trials")
        return plan


_PLAIN = ("trials", "method", "metric", "seed", "hours", "epochs", "prune", "parallel", "confirm")


def _one_of(kind: Any, value: object) -> Any:  # noqa: ANN401 - a Literal and one of its values
    if value not in get_args(kind):
        raise ValueError(f"{value!r} is none of {', '.join(get_args(kind))}")
    return value


def plan_search(
    ranges: Sequence[Range],
    config: RunConfig,
    metrics: Sequence[str],
    *,
    trials: int = TRIALS,
    method: str = "tpe",
    metric: str = "",
    seed: int = 42,
    hours: float = 0.0,
    epochs: int = 0,
    prune: bool = True,
    parallel: int = AUTOMATIC,
    confirm: str = "test",
) -> SearchPlan:
    """Return a plan, after checking each value; see `SearchPlan`.

    Args:
        ranges: From `parse_ranges`.
        config: The configuration that each trial changes.
        metrics: Metrics of its task that can be maximised, its main metric first.
        trials: As for `SearchPlan`, like all that follow.
        method: As above.
        metric: As above; "" for the main metric.
        seed: As above.
        hours: As above.
        epochs: As above.
        prune: As above. Trials of an instant baseline have no epochs, and trials of different length follow different
            schedules, so their epochs cannot be compared: then nothing is pruned.
        parallel: As above.
        confirm: As above.

    Raises:
        ConfigError: A value is not allowed.
    """
    if not ranges:
        raise ConfigError("Nothing to search: give --set-range, such as training.learning_rate=1e-5:1e-2:log.")
    if method not in get_args(Method):
        raise ConfigError(f"{method!r} is not a method of search: choose {', '.join(get_args(Method))}.")
    if confirm not in get_args(Confirm):
        raise ConfigError(f"{confirm!r} is not a way to confirm: choose {', '.join(get_args(Confirm))}.")
    if metric and metric not in metrics:
        raise ConfigError(f"{metric!r} cannot be searched for: choose {', '.join(metrics)}.")
    endless = [each.name for each in ranges if each.values is None]
    if method == "grid" and endless:
        raise ConfigError(
            f"A grid needs values or steps, but {endless[0]} has neither: write {endless[0]}=value,value or "
            "LOW:HIGH:step=S."
        )
    plan = SearchPlan(
        ranges=tuple(ranges),
        trials=trials,
        method=cast("Method", method),
        metric=metric or metrics[0],
        seed=seed,
        hours=float(hours),
        epochs=epochs,
        prune=prune and can_prune(ranges, config),
        parallel=parallel,
        confirm=cast("Confirm", confirm),
    )
    check_budget(plan)
    return plan


def check_budget(plan: SearchPlan) -> None:
    """Refuse numbers of a plan that are not allowed.

    Raises:
        ConfigError: There is one; the sentence says what is allowed.
    """
    for name, value, least, most in (
        ("trials", plan.trials, 1, MOST_TRIALS),
        ("trials in the queue at a time", plan.parallel, AUTOMATIC, MOST_PARALLEL),
        ("hours", plan.hours, 0, 1e5),
        ("epochs", plan.epochs, 0, 10**7),
        ("seed", plan.seed, 0, 2**32 - 1),
    ):
        if not least <= value <= most:
            raise ConfigError(f"Search: {value:g} {name} are not allowed, choose {least} to {most:g}.")


def refuse_changed_ranges(plan: SearchPlan, wanted: Sequence[Range]) -> None:
    """Refuse to resume a search with other ranges: its trials would no longer be of one space.

    Raises:
        ConfigError: A range differs.
    """
    before, now = {each.name: each for each in plan.ranges}, {each.name: each for each in wanted}
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            was, new = (found[name].words() if name in found else "not searched" for found in (before, now))
            raise ConfigError(
                f"The range of {name} differs ({was} before, {new} now): resume the search without --set-range, or "
                "start a new one."
            )


def can_prune(ranges: Sequence[Range], config: RunConfig) -> bool:
    """Return whether the epochs of two trials can be compared: they exist, and all trials have the same number."""
    varies = {each.name: each for each in ranges}
    heads = varies["model.head"].choices if "model.head" in varies else (config.model.head,)
    tuned = any(config.with_settings({"model.head": head}).model.fine_tuned for head in heads)
    return tuned and not varies.keys() & set(_EPOCHS)
