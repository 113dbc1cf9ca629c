"""Keeps the stored status of a cross-validation, which MLflow's own pages show, in step with its folds."""

from __future__ import annotations

from brainseg.errors import RunError
from brainseg.jobs.fold_runs import make_outer
from brainseg.runs import RunStore


def settle(store: RunStore, parent_id: str) -> None:
    """Queue the folds whose inner folds have ended, and store the status that follows from all folds.

    Nothing happens if the cross-validation no longer exists. Call it while the queue is locked.

    While a fold waits or runs, RUNNING is stored: SCHEDULED means that folds are still being made.
    """
    try:
        parent = store.get(parent_id)
    except RunError:  # deleted, or of a newer brainseg
        return
    if parent.kind == "crossval" and parent.plan and parent.counts and parent.counts.later:
        make_outer(store, parent, parent.plan)
        parent = store.get(parent_id)
    stored = store.stored_run(parent_id)
    status = "RUNNING" if parent.status == "SCHEDULED" else parent.status
    if parent.kind == "crossval" and stored and stored.info.status != status:
        store.set_status(parent_id, status, parent.reason, parent.end.kind if parent.end else None)
