"""Queues, stops and resumes a cross-validation: a parent run, and an ordinary queued run for each fold and repeat.

If the process dies between two folds, the folds made so far stay in the queue. The parent then shows how many have no
run, and `resume` makes them.
"""

from __future__ import annotations

from collections.abc import Callable

from brainseg.config import RunConfig
from brainseg.errors import ConfigError, RunError
from brainseg.jobs.parents import settle
from brainseg.jobs.queue import queue_lock, refuse_if_full, resumable
from brainseg.jobs.workers import ensure_worker
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import RUN
from brainseg.runs import ENDED, EndKind, Run, RunStore
from brainseg.runs.crossval import PARENT, write_plan
from brainseg.runs.migrations import PREFIX
from brainseg.runs.run_plan import Plan
from brainseg.tasks import task_of

MOST_FOLDS, MOST_REPEATS = 20, 20
SEEDS = 2**32


def plan_of(folds: int, repeats: int, config: RunConfig) -> Plan:
    """Return the plan of a cross-validation.

    Raises:
        ConfigError: A number is not allowed, or the last repeat's seed would be too large.
    """
    if not 2 <= folds <= MOST_FOLDS:
        raise ConfigError(f"{folds} folds are not allowed: choose 2 to {MOST_FOLDS}.")
    if not 1 <= repeats <= MOST_REPEATS:
        raise ConfigError(f"{repeats} repeats are not allowed: choose 1 to {MOST_REPEATS}.")
    if config.data.seed + repeats > SEEDS:
        raise ConfigError(
            f"data.seed: {config.data.seed} leaves no seeds for {repeats} repeats, choose {SEEDS - repeats} at most."
        )
    return Plan(folds, repeats)


def fold_config(config: RunConfig, plan: Plan, repeat: int = 0, fold: int = 0) -> RunConfig:
    """Return the configuration of one fold; that of the first fold is also stored with the parent.

    Args:
        config: The configuration of the parent, or one that becomes it.
        plan: The folds and repeats.
        repeat: Counted from 0; it is added to the seed of the split.
        fold: Counted from 0.
    """
    data = {"split": "k-fold", "folds": plan.folds, "fold": fold, "seed": config.data.seed + repeat}
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


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


def submit_crossval(store: RunStore, config: RunConfig, name: str, plan: Plan) -> Run:
    """Queue a cross-validation, and start a worker for it if none is alive.

    Returns:
        The parent.

    Raises:
        RunError: The queue has no room for all folds, or the weights are of a run that does not exist, has no model or
            was trained on the same dataset, so folds would be evaluated on images that the weights know.
    """
    store.warm_start(config)
    _refuse_weights_of_same_data(store, config)
    with queue_lock():
        refuse_if_full(store, len(plan.places))
        tags = {PREFIX + "crossval": write_plan(plan)}
        parent = store.create(fold_config(config, plan), name, kind="crossval", tags=tags)
        _make_missing(store, parent, plan)
    ensure_worker(config.compute.device)
    return store.get(parent.id)


def _make_missing(store: RunStore, parent: Run, plan: Plan) -> None:
    """Make the children that a parent lacks, then mark it as complete; call it while the queue is locked."""
    known = store.children(parent)
    for repeat, fold in plan.places:
        if (repeat, fold) not in known:
            config, name = fold_config(parent.config, plan, repeat, fold), child_name(parent.name, plan, repeat, fold)
            store.create(config, name, tags={PARENT: parent.id})
    store.set_status(parent.id, "RUNNING")


def child_name(parent: str, plan: Plan, repeat: int, fold: int) -> str:
    """Return the name of a fold's run.

    >>> child_name("mri", Plan(5), 0, 3), child_name("mri", Plan(5, 2), 1, 0)
    ('mri-fold3', 'mri-repeat1-fold0')
    """
    return f"{parent}-repeat{repeat}-fold{fold}" if plan.repeats > 1 else f"{parent}-fold{fold}"


def resume_crossval(store: RunStore, parent: Run) -> Run:
    """Queue the failed and cancelled folds of a cross-validation again, and those that have no run.

    Raises:
        RunError: There are none, or the queue has no room for all of them.
    """
    plan = _plan(parent)
    with queue_lock():
        if not store.owns(parent):
            raise RunError(f"Run {parent.name!r} was trained from another home folder: resume it there.")
        children = store.children(parent)
        again = [run for run in children.values() if run.status in ("FAILED", "KILLED")]
        missing = len(plan.places) - len(children)
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
        _make_missing(store, parent, plan)
    ensure_worker(parent.config.compute.device)
    return store.get(parent.id)


def stop_waiting(store: RunStore, parent: Run) -> list[Run]:
    """Cancel the waiting folds of a cross-validation.

    Returns:
        Its running folds, which are still to be cancelled.

    Raises:
        RunError: All its folds have ended.
    """
    with queue_lock():  # so that no worker takes the next fold meanwhile
        settle(store, parent.id)
        live = [run for run in store.children(parent).values() if run.status not in ENDED]
        if not live and store.get(parent.id).status in ENDED:
            raise RunError(f"Run {parent.name!r} is already {parent.status}: there is nothing to cancel.")
        for run in live:
            if run.status == "SCHEDULED":
                store.set_status(run.id, "KILLED", "The run was cancelled before it started.", EndKind.CANCELLED)
        settle(store, parent.id)
    return [run for run in live if run.status == "RUNNING"]


def _plan(parent: Run) -> Plan:
    if parent.plan is None:
        raise RunError(f"Run {parent.name!r} is no cross-validation: it has no folds.")
    return parent.plan


def _refuse_weights_of_same_data(store: RunStore, config: RunConfig) -> None:
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
                "fold, and no fold would judge it fairly: start from other weights, such as imagenet."
            )
        weights = source.config.model.weights
