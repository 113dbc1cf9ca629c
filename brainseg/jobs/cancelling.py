"""Stops one run, whatever trains it. `actions` does the same for all runs of a cross-validation or a search."""

from __future__ import annotations

import time

from brainseg.errors import RunError
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.processes import kill_group
from brainseg.jobs.workspace import Workspace
from brainseg.runs import ENDED, EndKind, Run, RunStore

CANCEL_LIMIT = 9.0
"""Seconds after which `cancel` kills a trainer that did not stop."""


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
    return workspace.claimed() and store.get(run_id).status not in ENDED
