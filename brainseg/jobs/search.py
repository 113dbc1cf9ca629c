"""Queues, stops and resumes a search: a parent run, and an ordinary queued run for each trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from brainseg import extras
from brainseg.config import RunConfig
from brainseg.errors import ConfigError, DataError, RunError
from brainseg.jobs.crossval import refuse_weights_of_same_data, resume_crossval
from brainseg.jobs.launcher import chosen, launcher_of
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.queue import refuse_if_full, start_or_refuse
from brainseg.jobs.search_steps import confirmation, take_step
from brainseg.jobs.search_trials import best_trial
from brainseg.jobs.submission import validate
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import is_weights_file
from brainseg.runs import ENDED, EndKind, Run, RunStore
from brainseg.runs.migrations import PREFIX
from brainseg.runs.search import trials_of
from brainseg.search.plan import AUTOMATIC, CONFIRM_FOLDS, MOST_PARALLEL, TEST_FRACTION, SearchPlan
from brainseg.search.ranges import Range
from brainseg.tasks import task_of
from brainseg.users.policy import Act, acting

WEIGHTS = "model.weights"


def search_config(config: RunConfig, plan: SearchPlan) -> RunConfig:
    """Return the configuration that each trial changes: the test set is left out, so that no trial sees it.

    Args:
        config: As the user configured a run.
        plan: The search.
    """
    data = config.data
    fraction = data.test_fraction
    if plan.confirm == "test" and data.split != "given":
        fraction = fraction or TEST_FRACTION
    return config.with_settings({"data.test_fraction": fraction, "data.test_use": "leave-out"})


def check_dataset(config: RunConfig, plan: SearchPlan, report_progress: Callable[[int, int], None]) -> None:
    """Refuse a dataset on which the search cannot work, before anything is queued; reads it, which may take a while.

    Args:
        config: From `search_config`.
        plan: The search.
        report_progress: Called while images are read.

    Raises:
        DataError: The dataset is damaged or too small, or has no test set to confirm the winner on.
        MissingLibraryError: Optuna is not installed.
    """
    extras.require("optuna", "A search")
    from brainseg.datasets.splits import check_folds, split_dataset  # as `task_of`, it takes a second to import

    data = config.data
    dataset = task_of(config).open(report_progress).usable(data.skip_bad, data.allow_conflicting_labels)
    sides = split_dataset(dataset, data)
    if plan.confirm == "test" and not (sides == "outer").any():
        raise DataError(
            "The given split has no test set beside its validation set, so the winner cannot be confirmed on it: "
            "confirm it with folds or none, or set data.split=grouped."
        )
    if plan.confirm == "folds":
        other = {"split": "k-fold", "folds": CONFIRM_FOLDS, "test_fraction": 0.0, "seed": (data.seed + 1) % 2**32}
        check_folds(dataset, data.model_copy(update=other))


def with_absolute_weights(ranges: Sequence[Range], config: RunConfig) -> tuple[Range, ...]:
    """Return ranges in which weights files have absolute paths, since a worker runs in another folder.

    Raises:
        WeightsError: A weights file does not exist.
    """

    def absolute(weights: str) -> str:
        if not is_weights_file(weights):
            return weights
        return validate(config.with_settings({WEIGHTS: weights})).model.weights

    return tuple(
        replace(each, choices=tuple(map(absolute, each.choices))) if each.name == WEIGHTS else each for each in ranges
    )


def submit_search(store: RunStore, config: RunConfig, name: str, plan: SearchPlan, launcher: str | None = None) -> Run:
    """Queue a search, and have its first trials trained.

    Args:
        store: The run store.
        config: From `search_config`.
        name: Its name.
        plan: The search. If it does not say how many trials are in the queue at a time, these are as many as the
            launcher trains at a time.
        launcher: What trains the trials; None for the one that `BRAINSEG_LAUNCHER` names.

    Returns:
        The parent.

    Raises:
        RunError: The queue is full, the launcher cannot work or start the trials, or weights are of a run that does
            not exist, has no model or was trained on the same dataset, so it knows images that the trials are
            evaluated on.
        ConfigError: No combination of the ranges is allowed, the budget does not suffice for one trial, or the launcher
            is unknown.
    """
    with acting(Act.TRAIN) as asked:
        for each in _weights(config, plan):
            store.warm_start(each)
            refuse_weights_of_same_data(store, each)
        launcher = chosen(launcher)
        slots = launcher_of(launcher).check(config)
        if plan.parallel == AUTOMATIC:
            plan = replace(plan, parallel=min(slots, plan.trials, MOST_PARALLEL))
        search = _submit(store, config, name, plan, launcher)
        asked.target = search.id
        return search


def _submit(store: RunStore, config: RunConfig, name: str, plan: SearchPlan, launcher: str) -> Run:
    with queue_lock():
        refuse_if_full(store)
        tags = {PREFIX + "search": plan.to_json()}
        search = store.create(config, name, status="RUNNING", kind="search", tags=tags, launcher=launcher)
        made = take_step(store, search)
        if not made:
            why = store.get(search.id).reason.partition(":")[0]
            store.delete(search.id)
            raise ConfigError(f"{why}: choose other ranges or a larger budget.")
    start_or_refuse(store, made)
    return store.get(search.id)


def _weights(config: RunConfig, plan: SearchPlan) -> list[RunConfig]:
    """Return one configuration for each choice of weights."""
    searched = next((each.choices for each in plan.ranges if each.name == WEIGHTS), ())
    return [config.with_settings({WEIGHTS: weights}) for weights in searched] or [config]


def resume_search(store: RunStore, search: Run, plan: SearchPlan | None = None) -> Run:
    """Continue a search: its interrupted and cancelled trials from their last epoch, then with further ones.

    Args:
        store: The run store.
        search: The search; if it runs, only its waiting trials are started again.
        plan: Its plan with another budget; None for the stored one.

    Raises:
        RunError: There is nothing to resume, the queue is full, or the search belongs to another home.
    """
    launcher_of(search.launcher).check(search.config)
    folds = _confirming_folds(store, search)
    if folds and folds.status in ("FAILED", "KILLED"):
        resume_crossval(store, folds)
    with queue_lock():
        search = store.get(search.id)
        stored = search.search
        if stored is None:
            raise RunError(f"Run {search.name!r} is no search: it has no trials.")
        if not store.owns(search):
            raise RunError(f"Run {search.name!r} was made from another home folder: resume it there.")
        if search.status == "FINISHED" and not _grows(stored, plan):
            raise RunError(
                f"Search {search.name!r} is FINISHED: there is nothing to resume, unless you raise a budget (--trials, "
                "--hours or --epochs)."
            )
        if plan:
            store.set_tags(search.id, {PREFIX + "search": plan.to_json()})
        if search.status in ENDED:
            _requeue(store, search, plan or stored)
        take_step(store, store.get(search.id))
    start_or_refuse(store, (run for run in store.all_children(search) if run.status == "SCHEDULED"))
    return store.get(search.id)


def _confirming_folds(store: RunStore, search: Run) -> Run | None:
    """Return the cross-validation that confirms the best trial of a search; None if there is none."""
    children = store.all_children(search)
    winner = best_trial(trials_of(search, children), search.search) if search.search else None
    found = confirmation(store, search, search.search, winner) if search.search and winner else None
    return found if found and found.kind == "crossval" else None


def _grows(stored: SearchPlan, plan: SearchPlan | None) -> bool:
    """Return whether a plan has a larger budget than the stored one; 0 is no limit."""
    if plan is None:
        return False
    more = [plan.trials > stored.trials]
    for now, before in ((plan.hours, stored.hours), (float(plan.epochs), float(stored.epochs))):
        more.append(before > 0 and (now == 0 or now > before))
    return any(more)


def _requeue(store: RunStore, search: Run, plan: SearchPlan) -> None:
    """Queue again what can be continued, and let the search go on."""
    children = store.all_children(search)
    again = []
    if search.status != "FINISHED":
        again = [run for run in children if run.status in ("FAILED", "KILLED") and run.end and run.end.resumable]
    winner = best_trial(trials_of(search, children), plan)
    confirming = confirmation(store, search, plan, winner) if winner else None
    if confirming and confirming.kind == "train" and confirming.status in ("FAILED", "KILLED"):
        again = [*(run for run in again if run.id != confirming.id), confirming]
    refuse_if_full(store, max(1, len(again)))
    for run in again:
        Workspace(run.id).make()
        store.requeue(run.id)
    store.set_status(search.id, "RUNNING")


def stop_search(store: RunStore, search: Run) -> list[Run]:
    """Cancel a search with its waiting trials; no further trial follows.

    Returns:
        Its running children, and a cross-validation that confirms its winner, which are still to be cancelled.

    Raises:
        RunError: It has already ended.
    """
    with queue_lock():  # so that no worker takes the next trial meanwhile
        search = store.get(search.id)
        if search.status in ENDED or search.search is None:
            raise RunError(f"Run {search.name!r} is already {search.status}: there is nothing to cancel.")
        children = store.all_children(search)
        for run in children:
            if run.status == "SCHEDULED":
                store.set_status(run.id, "KILLED", "The run was cancelled before it started.", EndKind.CANCELLED)
        counts = store.get(search.id).trials
        words = f"The search was cancelled: {counts.words() if counts else ''}."
        store.set_status(search.id, "KILLED", words, EndKind.CANCELLED)
    folds = _confirming_folds(store, search)
    live = [folds] if folds and folds.status not in ENDED else []
    return [*(run for run in children if run.status == "RUNNING"), *live]
