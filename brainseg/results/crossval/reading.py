"""Reads the folds of a cross-validation, and pools them once all have finished.

The pooled result is stored with the parent under the names that a training uses, so the plots, exports and comparisons
of runs work on it, too. It is stored together with the ids of its folds, and computed again if they change.
"""

from __future__ import annotations

import logging
from typing import Any, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.errors import BrainsegError, RunError
from brainseg.evaluation.caveats import caveats_of
from brainseg.evaluation.crossval.folds import FoldSummary, summarise
from brainseg.evaluation.crossval.pooling import FoldResult, pool
from brainseg.evaluation.stored import Evaluation
from brainseg.jobs.fold_runs import fold_config
from brainseg.results import stored_results
from brainseg.results.by_task import results_of
from brainseg.results.crossval.choices import check_choices, choices_of
from brainseg.results.crossval.result import CrossvalResult, Fold, PooledMetrics
from brainseg.results.crossval.storing import FILE, store_pooled
from brainseg.results.run_files import read_checked
from brainseg.runs import Run, RunStore
from brainseg.runs.crossval import candidate_of, children_of, pooled_key

SCHEMA = 1
_LOGGER = logging.getLogger(__name__)


class StoredPooled(TypedDict):
    """The fields of `crossval.json`: the pooled metrics, and the `pooled_key` of the folds that they are of."""

    schema: NotRequired[int]
    of: str
    pooled: PooledMetrics


_STORED = TypeAdapter(StoredPooled)


def crossval_result(store: RunStore, parent: Run) -> CrossvalResult:
    """Return what is known of a cross-validation; the first call after its last fold pools and stores the result.

    Nothing is averaged or pooled unless every fold has finished and all folds belong together.

    Args:
        store: The run store.
        parent: A run of kind "crossval".

    Raises:
        RunError: The parent has no plan.
    """
    if parent.plan is None or parent.counts is None:
        raise RunError(f"Run {parent.name!r} is no cross-validation: it has no folds.")
    runs = store.all_children(parent)
    children, choices = children_of(parent, runs), choices_of(parent, runs)

    def incomplete(folds: tuple[Fold, ...], problem: str) -> CrossvalResult:
        return CrossvalResult(parent, folds, {}, None, problem, choices=choices)

    try:
        folds = tuple(_fold(store, *place, children.get(place)) for place in parent.plan.places)
    except RunError as error:
        bare = tuple(Fold(*place, children.get(place)) for place in parent.plan.places)
        return incomplete(bare, str(error))
    if parent.status != "FINISHED" or any(fold.metrics is None for fold in folds):
        return incomplete(folds, f"The result is incomplete: {parent.counts.words()}.")
    try:
        check_choices(store, parent, runs, folds, choices)
        pooled, evaluation = _pooled(store, parent, folds)
    except BrainsegError as error:
        return incomplete(folds, str(error))
    caveats = tuple(caveat.phrase for caveat in caveats_of(evaluation))
    return CrossvalResult(parent, folds, _summaries(folds, parent.plan.folds), pooled, "", caveats, choices)


def complete_result(store: RunStore, parent: Run) -> CrossvalResult:
    """Return the result of a complete cross-validation.

    Raises:
        RunError: It is not complete.
    """
    result = crossval_result(store, parent)
    if not result.complete:
        raise RunError(f"Cross-validation {parent.name!r} has no result: {result.problem}")
    return result


def settled(store: RunStore, run: Run) -> Run:
    """Return a run with its metrics: a complete cross-validation is pooled first if that was not done yet."""
    if run.kind != "crossval" or run.status != "FINISHED" or run.metrics or not store.owns(run):
        return run
    crossval_result(store, run)
    return store.get(run.id)


def _fold(store: RunStore, repeat: int, fold: int, run: Run | None) -> Fold:
    if run is None or run.status != "FINISHED":
        return Fold(repeat, fold, run)
    evaluation = stored_results.evaluation(store, run)
    if evaluation is None:
        raise RunError(f"evaluation.json of run {run.name!r} is missing: delete that fold, then resume its parent.")
    return Fold(repeat, fold, run, results_of(run.config.task).crossval.fold_metrics(evaluation))


def _summaries(folds: tuple[Fold, ...], count: int) -> dict[str, FoldSummary]:
    known = [fold.metrics for fold in folds if fold.metrics is not None]
    return {name: summarise([metrics[name] for metrics in known], count) for name in known[0]}


def _pooled(store: RunStore, parent: Run, folds: tuple[Fold, ...]) -> tuple[PooledMetrics, Evaluation]:
    """Return the pooled metrics and the evaluation of the first repeat, as stored or computed and stored now."""
    key = pooled_key(fold.run for fold in folds if fold.run)
    if parent.pooled_of == key and (found := _stored(store, parent)) and found[0]["of"] == key:
        return found[0]["pooled"], found[1]
    results = [fold_result(store, parent, fold) for fold in folds]
    runs = [fold.run for fold in folds if fold.run]
    parts = results_of(parent.config.task).crossval
    table = pool(results)
    pooled = parts.pool(store, parent, runs, table)
    metrics: PooledMetrics = {
        "metrics": pooled["metrics"],
        "intervals": pooled["intervals"],
        "count": pooled["count"],
        "units": pooled["units"],
        "unit": pooled["unit"],
        "repeats": pooled["repeats"],
    }
    if store.owns(parent):
        stored: StoredPooled = {"schema": SCHEMA, "of": key, "pooled": metrics}
        try:
            store_pooled(store, parent, runs, table, pooled["evaluation"], stored, results[0].images)
        except OSError:  # the result is known all the same, and is stored the next time
            _LOGGER.exception("The result could not be stored.", extra={"run": parent.id})
    return metrics, pooled["evaluation"]


def _stored(store: RunStore, parent: Run) -> tuple[StoredPooled, Evaluation] | None:
    try:
        found, evaluation = read_checked(_STORED, store, parent, FILE), stored_results.evaluation(store, parent)
    except RunError:  # it is computed again
        return None
    return (found, evaluation) if found and evaluation else None


def fold_result(store: RunStore, parent: Run, fold: Fold) -> FoldResult:
    """Return the stored images and predictions of a finished fold.

    Raises:
        RunError: A file is missing or damaged, or the fold was trained with other settings than its parent.
    """
    run = fold.run
    if run is None or parent.plan is None:
        raise RunError(f"Fold {fold.fold} of {parent.name!r} has no run: resume the cross-validation.")
    _refuse_other_settings(parent, run, fold)
    images = _required(stored_results.split(store, run), "split.csv", run)
    predictions = _required(results_of(run.config.task).predictions(store, run), "table of predictions", run)
    return FoldResult(fold.repeat, fold.fold, run.id, images, predictions)


def _refuse_other_settings(parent: Run, run: Run, fold: Fold) -> None:
    if parent.plan is None:
        return
    config = fold_config(parent.config, parent.plan, fold.repeat, fold.fold)
    if parent.plan.candidates:
        candidate = candidate_of(run, parent)
        config = config.with_settings(parent.plan.candidates[candidate or 0])
    wanted, its = config.flat(), run.config.flat()
    if different := [name for name in wanted if wanted[name] != its.get(name)]:
        raise RunError(
            f"Run {run.name!r} was trained with another {different[0]} than its cross-validation "
            f"({its.get(different[0])} instead of {wanted[different[0]]}), so its folds cannot be pooled: delete that "
            "fold, then resume the cross-validation."
        )


def _required(value: Any, what: str, run: Run) -> Any:  # noqa: ANN401 - whatever was read
    if value is None:
        raise RunError(f"The {what} of run {run.name!r} is missing: delete that fold, then resume its parent.")
    return value
