"""The trials of a search as its study needs them, what they have cost, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from brainseg.config import RunConfig
from brainseg.runs import FINAL, Run, RunStore
from brainseg.search.plan import SearchPlan
from brainseg.search.trials import State, Trial, no_epochs
from brainseg.tasks import facts_of


def value_of(run: Run, plan: SearchPlan) -> float | None:
    """Return the metric of the validation set that a finished trial reached; None if it is not defined."""
    value = run.metrics.get(FINAL + plan.metric, math.nan)
    return value if run.status == "FINISHED" and math.isfinite(value) else None


def record(store: RunStore, run: Run, plan: SearchPlan) -> Trial:
    """Return a trial as the study needs it."""
    value = value_of(run, plan)
    state: State = "failed"
    if run.status in ("SCHEDULED", "RUNNING"):
        state = "live"
    elif value is not None:
        state = "complete"
    elif run.pruned:
        state = "pruned"
    epochs = partial(history, store, run) if state in ("complete", "pruned") and run.config.model.fine_tuned else None
    number, point = (run.trial.number, run.trial.point) if run.trial else (0, {})
    return Trial(run.id, number, point, state, value, epochs or no_epochs)


def history(store: RunStore, run: Run) -> dict[int, float]:
    """Return the main metric after each epoch of a run, counted from 1; without values that are not finite."""
    found = store.history(run.id, facts_of(run.config.task).headline)
    return {epoch: value for epoch, value in sorted(found.items()) if math.isfinite(value)}


def best_trial(trials: Sequence[Run], plan: SearchPlan) -> Run | None:
    """Return the trial with the highest value, the first of several; None if none is complete."""
    complete = [(value, run) for run in trials if (value := value_of(run, plan)) is not None]
    return max(complete, key=lambda pair: pair[0], default=(0.0, None))[1]


def planned_epochs(config: RunConfig) -> int:
    """Return the number of epochs that a configuration trains; 0 for an instant baseline."""
    return config.training.frozen_epochs + config.training.epochs if config.model.fine_tuned else 0


def epochs_used(store: RunStore, trials: Sequence[Run]) -> int:
    """Return the number of epochs that trials have trained; one that waits or runs counts with all its epochs."""
    return sum(_epochs(store, run) for run in trials)


def _epochs(store: RunStore, run: Run) -> int:
    if run.status in ("SCHEDULED", "RUNNING"):
        return planned_epochs(run.config)
    return len(store.history(run.id, "valid_loss"))


def hours_used(trials: Sequence[Run]) -> float:
    """Return the hours for which trials have been trained, each since its training last began."""
    now = datetime.now(UTC)
    started = [run for run in trials if run.started]
    return sum(((run.ended or now) - run.begun).total_seconds() for run in started) / 3600
