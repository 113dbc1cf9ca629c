"""Deleting for good: a run with its files and workspace; which runs still use a dataset."""

from __future__ import annotations

from collections.abc import Iterable

from brainseg.datasets.library import KnownDataset
from brainseg.errors import DataError, RunError
from brainseg.jobs.queue import queue_lock
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import RUN
from brainseg.runs import ENDED, Run, RunStore
from brainseg.runs.run import StoredEntry


def delete(store: RunStore, run_id: str) -> StoredEntry:
    """Delete an ended run, or one that cannot be read.

    Args:
        store: The run store.
        run_id: The run, as `RunStore.get` takes it.

    Returns:
        The run as it was.

    Raises:
        RunError: It has not ended, another run is about to start from its weights, or its files cannot be removed.
    """
    with queue_lock():  # nobody resumes it meanwhile
        run = store.find(run_id)
        if Workspace(run.id).trainer():
            raise RunError(f"The training of run {run.name!r} is just ending: delete it in a moment.")
        if heir := _heir(store, run):
            raise RunError(f"Run {heir.name!r} ({heir.id[:8]}) is to start from its weights: stop that one first.")
        store.delete(run.id)
        Workspace(run.id).remove()
        return run


def _heir(store: RunStore, run: StoredEntry) -> Run | None:
    """Return a run under way that needs the weights of this one."""
    for other in store.list(["SCHEDULED", "RUNNING"]):
        weights = other.config.model.weights
        if weights.startswith(RUN) and _names(store, weights.removeprefix(RUN), run):
            return other
    return None


def _names(store: RunStore, wanted: str, run: StoredEntry) -> bool:
    try:
        return store.get(wanted).id == run.id
    except RunError:
        return False


def runs_on(known: KnownDataset, runs: Iterable[Run]) -> list[Run]:
    """Return the runs that were made from a dataset, in their order."""
    return [run for run in runs if run.config.data.path == known.path]


def refuse_if_needed(known: KnownDataset, runs: Iterable[Run]) -> None:
    """Refuse to delete what a waiting or running training still reads.

    Raises:
        DataError: There is such a run; never for a folder elsewhere, which is not deleted.
    """
    needed = [run for run in runs_on(known, runs) if run.status not in ENDED]
    if needed and known.source != "folder":
        raise DataError(
            f"{known.name!r} is not deleted, since run {needed[0].name!r} still needs it: wait for it, or cancel it."
        )


def unlisted_paths(known: Iterable[KnownDataset], runs: Iterable[Run]) -> dict[str, int]:
    """Return the paths of datasets that runs were made from and nobody put on the list, with their number of runs."""
    listed = {dataset.path for dataset in known}
    counts: dict[str, int] = {}
    for run in runs:
        if run.config.data.path not in listed:
            counts[run.config.data.path] = counts.get(run.config.data.path, 0) + 1
    return counts
