"""The queue: a run's status in the store, moved only under one lock."""

from __future__ import annotations

import os
import time
from pathlib import Path

from filelock import FileLock

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.errors import RunError
from brainseg.jobs.submission import free_name
from brainseg.jobs.workers import ensure_worker, lane
from brainseg.jobs.workspace import Workspace, kill_group
from brainseg.runs import ENDED, EndKind, Kind, Run, RunStore

CANCEL_LIMIT = 9.0
"""Seconds after which `cancel` itself ends a trainer that did not stop."""
MOST_WAITING = 100
"""Runs that may wait at a time, unless `BRAINSEG_MAX_QUEUE` says otherwise."""
_LOST = "The training and its supervisor ended without recording why."
_COPIED = "The run was in training when this home was copied or moved{}."
_ALONE = ", and continues there"


def queue_lock() -> FileLock:
    """Return the lock under which runs change hands."""
    return FileLock(paths.subfolder("jobs") / "queue.lock")


def claim_next(store: RunStore, lane_name: str) -> Run | None:
    """Take the run of this home that has waited longest; None if there is none."""
    with queue_lock():
        waiting = queued(store, lane_name)
        return _take(store, waiting[0]) if waiting else None


def queued(store: RunStore, lane_name: str) -> list[Run]:
    """Return the waiting runs of this home, longest wait first."""
    mine = filter(store.owns, store.list(["SCHEDULED"]))
    return sorted((run for run in mine if lane(run.config.compute.device) == lane_name), key=lambda run: run.queued)


def _take(store: RunStore, run: Run) -> Run:
    workspace = Workspace(run.id)
    workspace.make()
    workspace.own([os.getpid()])
    store.set_status(run.id, "RUNNING")
    return store.get(run.id)


def submit(store: RunStore, config: RunConfig, name: str, kind: Kind = "train") -> Run:
    """Put a run into the queue, and start a worker for it if none lives.

    Raises:
        RunError: Its weights are those of a run that does not exist or has no model, or the queue is full.
    """
    store.warm_start(config)
    with queue_lock():
        _refuse_if_full(store)
        run = store.create(config, name, kind=kind)
    ensure_worker(config.compute.device)
    return run


def create_claimed(store: RunStore, config: RunConfig, name: str, kind: Kind = "train") -> Run:
    """Make a run that this process trains itself, past the queue.

    Raises:
        RunError: Its weights are those of a run that does not exist or has no model.
    """
    store.warm_start(config)
    with queue_lock():
        return _take(store, store.create(config, name, kind=kind))


def reclaim(store: RunStore, run_id: str) -> Run:
    """Take an ended run to go on with it in this process.

    Raises:
        RunError: The run is waiting, running or finished.
    """
    with queue_lock():
        return _take(store, _resumable(store, run_id))


def resubmit(store: RunStore, run_id: str) -> Run:
    """Put a failed or cancelled run back into the queue, and start a worker for it if none lives.

    Raises:
        RunError: The run is waiting, running or finished, or the queue is full.
    """
    with queue_lock():
        run = _resumable(store, run_id)
        _refuse_if_full(store)
        Workspace(run.id).make()
        store.requeue(run.id)
    ensure_worker(run.config.compute.device)
    return store.get(run.id)


def _refuse_if_full(store: RunStore) -> None:
    most, waiting = paths.limit("BRAINSEG_MAX_QUEUE", MOST_WAITING), len(store.list(["SCHEDULED"]))
    if waiting >= most:
        raise RunError(
            f"{waiting} runs wait already, and {most:g} may: wait for some to end, cancel some, or raise "
            "BRAINSEG_MAX_QUEUE."
        )


def retry(store: RunStore, run_id: str) -> Run:
    """Put a new run with the configuration of an earlier one into the queue.

    Raises:
        RunError: There is no such run, or its weights are those of a run that is gone.
    """
    run = store.get(run_id)
    return submit(store, run.config, free_name(run.name, {other.name for other in store.list()}), run.kind)


def _resumable(store: RunStore, run_id: str) -> Run:
    run = store.get(run_id)
    if run.status not in ("FAILED", "KILLED"):
        raise RunError(f"Run {run.name!r} is {run.status}: only a FAILED or KILLED run can be resumed.")
    if not store.owns(run):
        raise RunError(f"Run {run.name!r} was trained from another home folder: resume it there.")
    return run


def request_cancel(store: RunStore, run_id: str) -> Run:
    """Ask for the end of a run, at once: one that waits is cancelled, one that runs ends within ten seconds.

    Raises:
        RunError: The run has already ended.
    """
    with queue_lock():
        run = store.get(run_id)
        if run.status in ENDED:
            raise RunError(f"Run {run.name!r} is {run.status} already: there is nothing to cancel.")
        if run.status == "SCHEDULED":
            store.set_status(run.id, "KILLED", "The run was cancelled before it started.", EndKind.CANCELLED)
            return store.get(run.id)
    Workspace(run.id).request_cancel()
    return run


def cancel(store: RunStore, run_id: str) -> Run:
    """Stop a run within ten seconds and leave no process of it behind.

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
    """Say whether somebody alive still has to record the end, such as a supervisor about to start its trainer."""
    return bool(workspace.owners()) and store.get(run_id).status not in ENDED


def reconcile(store: RunStore) -> list[Run]:
    """Record the end of runs whose processes all died without recording why, as after a power cut.

    Returns:
        The runs that were marked FAILED.
    """
    with queue_lock():
        lost = [run for run in store.list(["RUNNING"]) if is_lost(store, run)]
        for run in lost:
            workspace = Workspace(run.id)
            if other := workspace.elsewhere():
                alone = (Path(other) / "work" / run.id).is_dir()
                store.set_status(run.id, "FAILED", _COPIED.format(_ALONE if alone else ""), EndKind.MOVED)
            else:
                store.set_status(run.id, "FAILED", _LOST, EndKind.LOST, workspace.log_tail())
        return lost


def is_lost(store: RunStore, run: Run) -> bool:
    """Say whether a run of this home is called running although all its processes have died."""
    return run.status == "RUNNING" and store.owns(run) and Workspace(run.id).abandoned()
