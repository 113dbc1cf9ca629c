"""Keeps cross-validations and searches in step with their runs."""

from __future__ import annotations

from brainseg.errors import RunError
from brainseg.jobs.fold_runs import make_outer
from brainseg.jobs.search_steps import take_step
from brainseg.runs import Run, RunStore


def settle(store: RunStore, parent_id: str) -> list[Run]:
    """Do what follows from the end of a run for its parent. Call it while the queue is locked.

    Of a cross-validation, the folds whose inner folds have ended are queued, and the status that follows from all folds
    is stored. Of a search, the next step is taken. Nothing happens if the parent no longer exists.

    While a fold waits or runs, RUNNING is stored: SCHEDULED means that folds are still being made.

    Returns:
        The runs that were queued, to be given to `launcher.start` once the queue is no longer locked.
    """
    try:
        parent = store.get(parent_id)
    except RunError:  # deleted, or of a newer brainseg
        return []
    made: list[Run] = []
    if parent.kind == "search":
        return take_step(store, parent) if store.owns(parent) else []
    if parent.kind == "crossval" and parent.plan and parent.counts and parent.counts.later:
        made = make_outer(store, parent, parent.plan)
        parent = store.get(parent_id)
    stored = store.stored_run(parent_id)
    status = "RUNNING" if parent.status == "SCHEDULED" else parent.status
    if parent.kind == "crossval" and stored and stored.info.status != status:
        store.set_status(parent_id, status, parent.reason, parent.end.kind if parent.end else None)
    return made
