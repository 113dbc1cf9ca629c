"""The queue: it consists of the runs' status in the store, which changes only under one lock."""

from __future__ import annotations

import os
from collections.abc import Iterable

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.errors import RunError
from brainseg.files import refuse_if_disk_is_full
from brainseg.jobs.launcher import chosen, launcher_of, start
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.lost_runs import forgotten, is_lost, mark_lost
from brainseg.jobs.parents import settle
from brainseg.jobs.patience import patiently
from brainseg.jobs.shares import refuse_if_share_is_used
from brainseg.jobs.submission import free_name
from brainseg.jobs.workers import queue_of, waits_for_worker
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Kind, Run, RunStore
from brainseg.runs.run import LOCAL
from brainseg.users.policy import Act, acting

MOST_WAITING = 100
"""Runs that may wait at a time, unless `BRAINSEG_MAX_QUEUE` sets another limit."""


def claim_next(store: RunStore, queue_name: str) -> Run | None:
    """Claim the run of this home that has waited longest, and return it; None if no run waits."""
    with queue_lock():
        waiting = queued(store, queue_name)
        return _take(store, waiting[0]) if waiting else None


def queued(store: RunStore, queue_name: str) -> list[Run]:
    """Return the runs that wait for a worker of this home, longest wait first; never those of another launcher."""
    mine = (run for run in store.list(["SCHEDULED"]) if waits_for_worker(store, run))
    return sorted(
        (run for run in mine if queue_of(run.config.compute.device) == queue_name), key=lambda run: run.queued
    )


def claim(store: RunStore, run_id: str) -> Run | None:
    """Claim one waiting run, which another launcher than the worker has started; None if it no longer waits."""
    with queue_lock():
        run = store.get(run_id)
        return _take(store, run) if run.status == "SCHEDULED" and run.launcher != LOCAL and store.owns(run) else None


def _take(store: RunStore, run: Run) -> Run:
    workspace = Workspace(run.id)
    workspace.make(claiming=True)
    workspace.record_owners([os.getpid()])
    # If the store stops to answer in between, the claim may count already: nobody else would train the run then.
    patiently(lambda: store.set_status(run.id, "RUNNING"))
    workspace.forget_starter()
    return patiently(lambda: store.get(run.id))


def submit(store: RunStore, config: RunConfig, name: str, kind: Kind = "train", launcher: str | None = None) -> Run:
    """Queue a new run, and have it trained.

    Args:
        store: The run store.
        config: Its configuration.
        name: Its name.
        kind: What it does.
        launcher: What trains it; None for the one that `BRAINSEG_LAUNCHER` names.

    Raises:
        RunError: The queue is full, the launcher cannot work or start the run, or the run needs the weights of a run
            that does not exist or has no model.
        ConfigError: The launcher is unknown.
    """
    with acting(Act.TRAIN) as made:
        store.warm_start(config)
        launcher = chosen(launcher)
        launcher_of(launcher).check(config)
        with queue_lock():
            refuse_if_full(store)
            run = store.create(config, name, kind=kind, launcher=launcher)
        made.target = run.id
        start_or_refuse(store, [run])
        return run


def start_again(store: RunStore, run: Run) -> None:
    """Have a run trained that still waits, for example because its Ray cluster was started again.

    Nothing happens twice: only the process that claims the run trains it.

    Raises:
        RunError: The run belongs to another home, or its launcher cannot work or start it.
    """
    if not store.owns(run):
        raise RunError(f"Run {run.name!r} was made from another home folder: resume it there.")
    launcher_of(run.launcher).check(run.config)
    start_or_refuse(store, [run])


def start_or_refuse(store: RunStore, runs: Iterable[Run]) -> None:
    """Have waiting runs trained.

    Raises:
        RunError: A launcher could not start one, which is recorded with the run.
    """
    if why := start(store, runs):
        raise RunError(why)


def create_claimed(store: RunStore, config: RunConfig, name: str, kind: Kind = "train") -> Run:
    """Make a run that this process trains itself, without the queue.

    Raises:
        RunError: The run needs the weights of a run that does not exist or has no model.
    """
    with acting(Act.TRAIN) as made:
        store.warm_start(config)
        refuse_if_disk_is_full(store.home, "A new run")
        with queue_lock():
            run = _take(store, store.create(config, name, kind=kind))
        made.target = run.id
        return run


def reclaim(store: RunStore, run_id: str) -> Run:
    """Claim an ended run, to resume it in this process.

    Raises:
        RunError: The run is waiting, running or finished.
    """
    found = store.get(run_id)
    with acting(Act.RESUME, found.id, found.owner), queue_lock():
        return _take(store, resumable(store, run_id))


def resubmit(store: RunStore, run_id: str) -> Run:
    """Put a failed or cancelled run back into the queue, and have it trained by its launcher.

    Raises:
        RunError: The run is waiting, running or finished, the queue is full, or the launcher cannot work.
    """
    run = resumable(store, run_id)
    launcher_of(run.launcher).check(run.config)
    with queue_lock():
        run = resumable(store, run_id)
        refuse_if_full(store)
        Workspace(run.id).make()
        store.requeue(run.id)
    start_or_refuse(store, [store.get(run.id)])
    return store.get(run.id)


def refuse_if_full(store: RunStore, more: int = 1) -> None:
    """Refuse runs for which the queue or the disk has no room; call it while `queue_lock` is held.

    Raises:
        RunError: `more` further runs would exceed the limit.
        LimitError: They would exceed what one person may have.
        DiskError: Less space is free than must stay free.
    """
    refuse_if_disk_is_full(store.home, "A new run")
    most, waiting = paths.limit("BRAINSEG_MAX_QUEUE", MOST_WAITING), len(store.list(["SCHEDULED"]))
    if waiting + more > most:
        full = "The queue is full" if more == 1 else f"The queue has no room for {more} more runs"
        raise RunError(
            f"{full}: {waiting} runs wait, and the limit is {most:g}; wait for some to end, cancel some, or "
            "raise BRAINSEG_MAX_QUEUE."
        )
    refuse_if_share_is_used(store, more)


def retry(store: RunStore, run_id: str) -> Run:
    """Queue a new run with the configuration of an earlier one.

    Raises:
        RunError: There is no such run, it needs the weights of a run that no longer exists, or it is an ensemble.
    """
    run = store.get(run_id)
    _refuse_ensemble(run)
    name = free_name(run.name, {other.name for other in store.list()})
    return submit(store, run.config, name, run.kind, run.launcher)


def _refuse_ensemble(run: Run) -> None:
    if run.members:
        raise RunError(f"Run {run.name!r} is an ensemble: make it again with `brainseg ensemble`.")


def resumable(store: RunStore, run_id: str) -> Run:
    """Return a run that can be resumed here.

    Raises:
        RunError: The run is waiting, running or finished, belongs to another home, or is an ensemble.
    """
    run = store.get(run_id)
    _refuse_ensemble(run)
    if run.status not in ("FAILED", "KILLED"):
        raise RunError(f"Run {run.name!r} is {run.status}: only a FAILED or KILLED run can be resumed.")
    if not store.owns(run):
        raise RunError(f"Run {run.name!r} was trained from another home folder: resume it there.")
    return run


def reconcile(store: RunStore) -> list[Run]:
    """Record the end of runs whose processes all died without recording it, as after a power cut.

    Also records the end of cross-validations whose folds have all ended, and takes the next step of searches.

    Returns:
        The runs that were marked FAILED.
    """
    with queue_lock():
        active = store.list(["RUNNING", "SCHEDULED"])
        lost = [run for run in active if is_lost(store, run)]
        for run in lost:
            mark_lost(store, run)
        queued_now = [run for parent in filter(store.owns, store.unsettled()) for run in settle(store, parent.id)]
    start(store, {run.id: run for run in (*queued_now, *forgotten(store, active))}.values())
    return lost
