"""Keeps the stored status of a cross-validation, which MLflow's own pages show, in step with its folds."""

from __future__ import annotations

from brainseg.errors import RunError
from brainseg.runs import RunStore


def settle(store: RunStore, parent_id: str) -> None:
    """Store the status that follows from a cross-validation's folds; nothing happens if it no longer exists.

    While a fold waits or runs, RUNNING is stored: SCHEDULED means that folds are still being made.
    """
    try:
        parent = store.get(parent_id)
    except RunError:  # deleted, or of a newer brainseg
        return
    stored = store.stored_run(parent_id)
    status = "RUNNING" if parent.status == "SCHEDULED" else parent.status
    if parent.kind == "crossval" and stored and stored.info.status != status:
        store.set_status(parent_id, status, parent.reason, parent.end.kind if parent.end else None)
