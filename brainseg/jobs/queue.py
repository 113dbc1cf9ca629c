"""The queue: it consists of the runs' status in the store, which changes only under one lock."""

from __future__ import annotations

import os
import time
from pathlib import Path

from filelock import FileLock

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.errors import RunError
from brainseg.files import refuse_if_disk_is_full
from brainseg.jobs.parents import settle
from brainseg.jobs.patience import patiently
from brainseg.jobs.shares import refuse_if_share_is_used
from brainseg.jobs.submission import free_name
from brainseg.jobs.workers import ensure_worker, queue_of
from brainseg.jobs.workspace import Workspace, kill_group
from brainseg.runs import ENDED, EndKind, Kind, Run, RunStore
from brainseg.users.policy import Act, acting

CANCEL_LIMIT = 9.0
"""Seconds after which `cancel` kills a trainer that did not stop."""
MOST_WAITING = 100
"""Runs that may wait at a time, unless `BRAINSEG_MAX_QUEUE` sets another limit."""
_LOST = "The {} and its supervisor ended without recording why."
_COPIED = "This home was copied or moved during the {}{}."
_RESTORED = "The {} was under way when the backup was made ({}) from which this home was restored."
_CONTINUES = ", which continues in the other folder"


def queue_lock() -> FileLock:
    """Return the lock that is held while a run changes its status or its process."""
    return FileLock(paths.subfolder("jobs") / "queue.lock")


def claim_next(store: RunStore, queue_name: str) -> Run | None:
    """Claim the run of this home that has waited longest, and return it; None if no run waits."""
    with queue_lock():
        waiting = queued(store, queue_name)
        return _take(store, waiting[0]) if waiting else None


def queued(store: RunStore, queue_name: str) -> list[Run]:
    """Return the waiting runs of this home, longest wait first."""
    mine = filter(store.owns, store.list(["SCHEDULED"]))
    return sorted(
        (run for run in mine if queue_of(run.config.compute.device) == queue_name), key=lambda run: run.queued
    )


def _take(store: RunStore, run: Run) -> Run:
    workspace = Workspace(run.id)
    workspace.make()
    workspace.record_owners([os.getpid()])
    # If the store stops to answer in between, the claim may count already: nobody else would train the run then.
    patiently(lambda: store.set_status(run.id, "RUNNING"))
    return patiently(lambda: store.get(run.id))


def submit(store: RunStore, config: RunConfig, name: str, kind: Kind = "train") -> Run:
    """Queue a new run, and start a worker for it if none is alive.

    Raises:
        RunError: The queue is full, or the run needs the weights of a run that does not exist or has no model.
    """
    with acting(Act.TRAIN) as made:
        store.warm_start(config)
        with queue_lock():
            refuse_if_full(store)
            run = store.create(config, name, kind=kind)
        made.target = run.id
        ensure_worker(config.compute.device)
        return run


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
    """Put a failed or cancelled run back into the queue, and start a worker for it if none is alive.

    Raises:
        RunError: The run is waiting, running or finished, or the queue is full.
    """
    with queue_lock():
        run = resumable(store, run_id)
        refuse_if_full(store)
        Workspace(run.id).make()
        store.requeue(run.id)
    ensure_worker(run.config.compute.device)
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
    return submit(store, run.config, free_name(run.name, {other.name for other in store.list()}), run.kind)


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


def request_cancel(store: RunStore, run_id: str) -> Run:
    """Cancel a run without waiting for its end: a waiting run ends at once, a running one within ten seconds.

    Raises:
        RunError: The run has already ended.
    """
    with queue_lock():
        run = store.get(run_id)
        if run.status in ENDED:
            raise RunError(f"Run {run.name!r} is already {run.status}: there is nothing to cancel.")
        if run.status == "SCHEDULED":
            store.set_status(run.id, "KILLED", "The run was cancelled before it started.", EndKind.CANCELLED)
            return store.get(run.id)
    Workspace(run.id).request_cancel()
    return run


def cancel(store: RunStore, run_id: str) -> Run:
    """Stop a run and all its processes within ten seconds.

    Raises:
        RunError: The run has already ended.
    """
    run = request_cancel(store, run_id)
    if run.status in ENDED:
        return run
    workspace = Workspace(run.id)
    limit = time.monotonic() + CANCEL_LIMIT
    while time.monotonic() < limit and (workspace.trainer() or _supervised(store, run.id, workspace)):
        time.sleep(0.2)
    if trainer := workspace.trainer():
        kill_group(trainer)
    if store.get(run.id).status == "RUNNING":
        store.set_status(run.id, "KILLED", "The run was cancelled.", EndKind.CANCELLED)
    return store.get(run.id)


def _supervised(store: RunStore, run_id: str, workspace: Workspace) -> bool:
    """Return whether a live process will record the end, such as a supervisor that is about to start its trainer."""
    return bool(workspace.owners()) and store.get(run_id).status not in ENDED


def reconcile(store: RunStore) -> list[Run]:
    """Record the end of runs whose processes all died without recording it, as after a power cut.

    Also records the end of cross-validations whose folds have all ended, and takes the next step of searches.

    Returns:
        The runs that were marked FAILED.
    """
    with queue_lock():
        lost = [run for run in store.list(["RUNNING"]) if is_lost(store, run)]
        for run in lost:
            workspace = Workspace(run.id)
            if made := workspace.restored():
                store.set_status(run.id, "FAILED", _RESTORED.format(run.work, made), EndKind.MOVED)
            elif other := workspace.other_home():
                continues = (Path(other) / "work" / run.id).is_dir()
                moved = _COPIED.format(run.work, _CONTINUES if continues else "")
                store.set_status(run.id, "FAILED", moved, EndKind.MOVED)
            else:
                store.set_status(run.id, "FAILED", _LOST.format(run.work), EndKind.LOST, workspace.log_tail())
        for parent in filter(store.owns, store.unsettled()):
            settle(store, parent.id)
        return lost


def is_lost(store: RunStore, run: Run) -> bool:
    """Return whether a run of this home has the status RUNNING although all its processes have died.

    No process works on a cross-validation or a search: it is lost if some folds have no run and none is being made, or
    if a search has nothing in the queue, so that its next step was not taken.
    """
    if run.kind == "search":
        idle = run.trials is not None and not run.trials.live and not run.trials.confirming
        return run.status == "RUNNING" and store.owns(run) and idle
    if run.kind == "crossval":
        return run.status == "SCHEDULED" and store.owns(run) and run.counts is not None and run.counts.missing > 0
    return run.status == "RUNNING" and store.owns(run) and Workspace(run.id).abandoned()
