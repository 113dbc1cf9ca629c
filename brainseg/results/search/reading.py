"""Reads a search with its trials and the confirmation of the winner."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from brainseg.errors import RunError
from brainseg.evaluation.independent_difference import difference_interval
from brainseg.jobs.search_steps import confirmation
from brainseg.jobs.search_trials import best_trial, value_of
from brainseg.results import stored_results
from brainseg.results.by_task import results_of
from brainseg.results.crossval.reading import crossval_result
from brainseg.results.search.result import Confirmation, Interval, SearchResult, TrialResult
from brainseg.runs import Run, RunStore
from brainseg.runs.search import trials_of
from brainseg.search.plan import SearchPlan
from brainseg.search.trials import Trial
from brainseg.tasks import facts_of

_STATES = {
    "SCHEDULED": "queued",
    "RUNNING": "running",
    "FINISHED": "complete",
    "FAILED": "failed",
    "KILLED": "cancelled",
}
METHOD = "PED-ANOVA"
"""Optuna's evaluator of importance, see `search.importance`."""


def metrics_of(task: str) -> dict[str, str]:
    """Return the metrics that a search of a task can maximise, its main metric first -> their names in words."""
    named, headline = results_of(task).crossval.names, facts_of(task).headline
    names = {name: words for name, words in named.items() if not name.startswith("detection_")}  # not stored with runs
    return {headline: names.pop(headline), **names}


def search_result(store: RunStore, search: Run) -> SearchResult:
    """Return what is known of a search.

    Args:
        store: The run store.
        search: A run of kind "search".

    Raises:
        RunError: The run is no search, or a file of the winner or of its confirmation is damaged.
    """
    plan = search.search
    if plan is None:
        raise RunError(f"Run {search.name!r} is no search: it has no trials.")
    runs = trials_of(search, store.all_children(search))
    trials = tuple(_trial(run, plan) for run in runs)
    winner = best_trial(runs, plan)
    best = next((trial for trial in trials if winner and trial.run.id == winner.id), None)
    interval = _interval(store, winner, plan.metric) if winner else None
    return SearchResult(
        search=search,
        plan=plan,
        trials=trials,
        best=best,
        best_interval=interval,
        importance=dict(_importance(plan.to_json(), tuple(map(_Known, trials)))),
        importance_method=METHOD,
        confirmation=_confirmation(store, search, plan, best, interval),
    )


def _trial(run: Run, plan: SearchPlan) -> TrialResult:
    number, point = (run.trial.number, run.trial.point) if run.trial else (0, {})
    value = value_of(run, plan)
    state = "pruned" if run.pruned else _STATES[run.status]
    return TrialResult(run, number, point, "failed" if state == "complete" and value is None else state, value)


class _Known:
    """A trial as the key of a cache: equal to another one with the same run and value."""

    def __init__(self, trial: TrialResult) -> None:
        self.trial, self.key = trial, (trial.run.id, trial.value)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.key == self.key


@lru_cache(maxsize=16)
def _importance(plan: str, trials: tuple[_Known, ...]) -> tuple[tuple[str, float], ...]:
    complete = [known.trial for known in trials if known.trial.value is not None]
    if len(complete) < 2:
        return ()
    from brainseg.search.importance import importances  # imports Optuna

    records = [Trial(each.run.id, each.number, each.point, "complete", each.value) for each in complete]
    return tuple(importances(SearchPlan.from_json(plan), records).items())


def _interval(store: RunStore, run: Run, metric: str) -> Interval | None:
    found = stored_results.evaluation(store, run)
    return _bounds(found["intervals"].get(metric)) if found else None


def _bounds(found: Any) -> Interval | None:  # noqa: ANN401 - whatever JSON held
    return (float(found[0]), float(found[1])) if found else None


def _confirmation(
    store: RunStore, search: Run, plan: SearchPlan, best: TrialResult | None, interval: Interval | None
) -> Confirmation | None:
    run = confirmation(store, search, plan, best.run) if best else None
    if run is None or best is None or best.value is None:
        return None
    if run.kind == "crossval":
        return _by_folds(store, run, plan.metric, best.value)
    value = value_of(run, plan)
    if value is None:
        return Confirmation(run, "test")
    evaluation = cast("dict[str, Any]", stored_results.evaluation(store, run) or {"intervals": {}})
    there = _bounds(evaluation["intervals"].get(plan.metric))
    optimism = difference_interval(best.value, interval, value, there) if interval and there else None
    images = evaluation.get(facts_of(run.config.task).count)
    return Confirmation(run, "test", images, value, there, best.value - value, optimism)


def _by_folds(store: RunStore, run: Run, metric: str, best: float) -> Confirmation:
    """Return the confirmation by folds. They share images with the search, so the optimism has no interval."""
    pooled = crossval_result(store, run).pooled
    value = pooled["metrics"].get(metric) if pooled else None
    if pooled is None or value is None:
        return Confirmation(run, "folds")
    found = pooled["intervals"].get(metric)
    return Confirmation(
        run, "folds", pooled["count"], value, (found["low"], found["high"]) if found else None, best - value
    )
