"""Queues, stops and resumes a cross-validation: a parent run, and an ordinary queued run for each fold and repeat.

If the process dies between two folds, the folds made so far stay in the queue. The parent then shows how many have no
run, and `resume` makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from brainseg.config import RunConfig
from brainseg.errors import ConfigError, RunError
from brainseg.jobs.fold_runs import fold_config, inner_config, make_crossval, make_missing
from brainseg.jobs.launcher import chosen, launcher_of, start
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.parents import settle
from brainseg.jobs.queue import refuse_if_full, resumable, start_or_refuse
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import RUN
from brainseg.runs import ENDED, EndKind, Run, RunStore
from brainseg.runs.run_plan import Plan
from brainseg.tasks import task_of
from brainseg.users.policy import Act, acting

MOST_FOLDS, MOST_REPEATS, DEFAULT_INNER = 20, 20, 3
SEEDS = 2**32


def plan_of(
    folds: int,
    repeats: int,
    config: RunConfig,
    inner: int = DEFAULT_INNER,
    candidates: Sequence[Mapping[str, Any]] = (),
) -> Plan:
    """Return the plan of a cross-validation.

    Args:
        folds: Number of folds.
        repeats: Number of repeats.
        config: The configuration of the parent.
        inner: Number of inner folds, if there are candidates.
        candidates: From `candidates.parse_candidates`; empty for a cross-validation that is not nested.

    Raises:
        ConfigError: A number is not allowed, or the last repeat's seed would be too large.
    """
    if not 2 <= folds <= MOST_FOLDS:
        raise ConfigError(f"{folds} folds are not allowed: choose 2 to {MOST_FOLDS}.")
    if not 1 <= repeats <= MOST_REPEATS:
        raise ConfigError(f"{repeats} repeats are not allowed: choose 1 to {MOST_REPEATS}.")
    if config.data.test_fraction:
        raise ConfigError(
            f"data.test_fraction: {config.data.test_fraction} is not allowed, since a cross-validation evaluates every "
            "image: set it to 0."
        )
    if config.data.seed + repeats > SEEDS:
        raise ConfigError(
            f"data.seed: {config.data.seed} leaves no seeds for {repeats} repeats, choose {SEEDS - repeats} at most."
        )
    if not candidates:
        return Plan(folds, repeats)
    if not 2 <= inner <= MOST_FOLDS:
        raise ConfigError(f"{inner} inner folds are not allowed: choose 2 to {MOST_FOLDS}.")
    return Plan(folds, repeats, inner, tuple(candidates))


def check_dataset(config: RunConfig, plan: Plan, report_progress: Callable[[int, int], None]) -> None:
    """Refuse a dataset on which a fold would fail, before any is queued; reads the dataset, which may take a while.

    Raises:
        DataError: The dataset is damaged or too small for the folds.
    """
    from brainseg.datasets.splits import check_folds  # as `task_of`, it takes a second to import

    data = config.data
    dataset = task_of(config).open(report_progress).usable(data.skip_bad, data.allow_conflicting_labels)
    for repeat in range(plan.repeats):
        check_folds(dataset, fold_config(config, plan, repeat).data)
        for fold in range(plan.folds if plan.candidates else 0):
            check_folds(dataset, inner_config(config, plan, (repeat, fold), (0, 0)).data)


def submit_crossval(store: RunStore, config: RunConfig, name: str, plan: Plan, launcher: str | None = None) -> Run:
    """Queue a cross-validation, and have its folds trained.

    Args:
        store: The run store.
        config: As the user configured a run.
        name: Its name.
        plan: Its folds and repeats.
        launcher: What trains the folds; None for the one that `BRAINSEG_LAUNCHER` names.

    Returns:
        The parent.

    Raises:
        RunError: The queue has no room for all folds, the launcher cannot work or start them, or the weights are of a
            run that does not exist, has no model or was trained on the same dataset, so folds would be evaluated on
            images that the weights know.
        ConfigError: The launcher is unknown.
    """
    with acting(Act.TRAIN, count=plan.total) as made:
        store.warm_start(config)
        refuse_weights_of_same_data(store, config)
        launcher = chosen(launcher)
        launcher_of(launcher).check(config)
        with queue_lock():
            refuse_if_full(store, plan.total)
            parent = make_crossval(store, config, name, plan, launcher)
        made.target = parent.id
        start_or_refuse(store, store.all_children(parent))
        return store.get(parent.id)


def resume_crossval(store: RunStore, parent: Run) -> Run:
    """Queue the failed and cancelled folds of a cross-validation again, and those that have no run.

    Raises:
        RunError: There are none, or the queue has no room for all of them.
    """
    plan = _plan(parent)
    launcher_of(parent.launcher).check(parent.config)
    with queue_lock():
        parent = store.get(parent.id)
        if not store.owns(parent):
            raise RunError(f"Run {parent.name!r} was trained from another home folder: resume it there.")
        again = [run for run in store.all_children(parent) if run.status in ("FAILED", "KILLED")]
        missing = parent.counts.missing if parent.counts else 0
        if not again and not missing:
            raise RunError(
                f"Cross-validation {parent.name!r} is {parent.status}: none of its folds failed, was cancelled or has "
                "no run, so there is nothing to resume."
            )
        refuse_if_full(store, len(again) + missing)
        for run in again:
            resumable(store, run.id)
            Workspace(run.id).make()
            store.requeue(run.id)
        make_missing(store, parent, plan)
        store.set_status(parent.id, "RUNNING")
    start_or_refuse(store, (run for run in store.all_children(parent) if run.status == "SCHEDULED"))
    return store.get(parent.id)


def stop_waiting(store: RunStore, parent: Run) -> list[Run]:
    """Cancel the waiting folds of a cross-validation.

    Returns:
        Its running folds, which are still to be cancelled.

    Raises:
        RunError: All its folds have ended.
    """
    with queue_lock():  # so that no worker takes the next fold meanwhile
        made = settle(store, parent.id)
        live = [run for run in store.all_children(parent) if run.status not in ENDED]
        if not live and store.get(parent.id).status in ENDED:
            raise RunError(f"Run {parent.name!r} is already {parent.status}: there is nothing to cancel.")
        for run in live:
            if run.status == "SCHEDULED":
                store.set_status(run.id, "KILLED", "The run was cancelled before it started.", EndKind.CANCELLED)
        made += settle(store, parent.id)
    start(store, made)
    return [run for run in live if run.status == "RUNNING"]


def _plan(parent: Run) -> Plan:
    if parent.plan is None:
        raise RunError(f"Run {parent.name!r} is no cross-validation: it has no folds.")
    return parent.plan


def refuse_weights_of_same_data(store: RunStore, config: RunConfig) -> None:
    """Refuse weights of a run on the same dataset, which has seen images that others are to be judged on.

    Raises:
        RunError: The weights, or those that they started from, are of such a run.
    """
    seen: set[str] = set()
    weights = config.model.weights
    while weights.startswith(RUN) and weights not in seen:
        seen.add(weights)
        try:
            source = store.get(weights.removeprefix(RUN))
        except RunError:  # an earlier warm start, whose run was deleted
            return
        if source.config.data.path == config.data.path:
            raise RunError(
                f"model.weights: run {source.name!r} was trained on the same dataset, so it has seen images of every "
                "fold and of any test set, and none would judge it fairly: start from other weights, such as imagenet."
            )
        weights = source.config.model.weights
