"""Deleting a run for good: its entry in the store, its files and its workspace."""

from __future__ import annotations

from brainseg.errors import RunError
from brainseg.jobs.queue import queue_lock
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import RUN
from brainseg.runs import Run, RunStore


def delete(store: RunStore, run_id: str) -> Run:
    """Delete an ended run.

    Args:
        store: The run store.
        run_id: The run, as `RunStore.get` takes it.

    Returns:
        The run as it was.

    Raises:
        RunError: It has not ended, another run is about to start from its weights, or its files cannot be removed.
    """
    with queue_lock():  # nobody resumes it meanwhile
        run = store.get(run_id)
        if Workspace(run.id).trainer():
            raise RunError(f"The training of run {run.name!r} is just ending: delete it in a moment.")
        if heir := _heir(store, run):
            raise RunError(f"Run {heir.name!r} ({heir.id[:8]}) is to start from its weights: stop that one first.")
        store.delete(run.id)
        Workspace(run.id).remove()
        return run


def _heir(store: RunStore, run: Run) -> Run | None:
    """Return a run under way that needs the weights of this one."""
    for other in store.list(["SCHEDULED", "RUNNING"]):
        weights = other.config.model.weights
        if weights.startswith(RUN) and _names(store, weights.removeprefix(RUN), run):
            return other
    return None


def _names(store: RunStore, wanted: str, run: Run) -> bool:
    try:
        return store.get(wanted).id == run.id
    except RunError:
        return False
