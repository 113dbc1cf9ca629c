"""Deletes runs with their files and workspaces, and finds the runs that still use a dataset."""

from __future__ import annotations

from collections.abc import Iterable

from brainseg.datasets.library import KnownDataset
from brainseg.errors import DataError, RunError
from brainseg.jobs.launcher import start
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.parents import settle
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import RUN
from brainseg.runs import ENDED, Run, RunStore
from brainseg.runs.ensembles import refuse_if_member
from brainseg.runs.run import StoredEntry


def delete(store: RunStore, run_id: str) -> StoredEntry:
    """Delete an ended run, or one that cannot be read.

    Args:
        store: The run store.
        run_id: The run, as `RunStore.get` takes it.

    Returns:
        The deleted run.

    Raises:
        RunError: The run has not ended, another run or an ensemble needs it, or its files cannot be removed.
    """
    made: list[Run] = []
    with queue_lock():  # so that nobody resumes it meanwhile
        run = store.find(run_id)
        workspace = Workspace(run.id)
        if workspace.trainer() or workspace.alive_elsewhere():
            work = run.work if isinstance(run, Run) else "training"
            raise RunError(f"The {work} of run {run.name!r} is about to end: delete the run in a moment.")
        refuse_if_needed_by_runs(store, run)
        store.delete(run.id)
        workspace.remove()
        if isinstance(run, Run) and run.parent:
            made = settle(store, run.parent)
    start(store, made)
    return run


def refuse_if_needed_by_runs(store: RunStore, run: StoredEntry) -> None:
    """Refuse to delete a run while an ensemble, or another waiting or running run, needs it.

    Raises:
        RunError: There is such a run.
    """
    refuse_if_member(run, store.entries())
    if other := _dependent(store, run):
        what = "measures the robustness" if other.check else "needs the weights"
        raise RunError(f"Run {other.name!r} ({other.id[:8]}) {what} of run {run.name!r}: stop it first.")


def _dependent(store: RunStore, run: StoredEntry) -> Run | None:
    """Return a waiting or running run that needs this one."""
    for other in store.list(["SCHEDULED", "RUNNING"]):
        if other.check:
            if other.check.run == run.id:
                return other
            continue
        weights = other.config.model.weights
        if weights.startswith(RUN) and _refers_to(store, weights.removeprefix(RUN), run):
            return other
    return None


def _refers_to(store: RunStore, wanted: str, run: StoredEntry) -> bool:
    try:
        return store.get(wanted).id == run.id
    except RunError:
        return False


def runs_on(known: KnownDataset, runs: Iterable[Run]) -> list[Run]:
    """Return the runs of a dataset, in their order."""
    return [run for run in runs if run.config.data.path == known.path]


def refuse_if_needed(known: KnownDataset, runs: Iterable[Run]) -> None:
    """Refuse to delete a dataset that a waiting or running training still needs.

    Raises:
        DataError: There is such a run. A folder outside the home is never deleted, so it raises no error.
    """
    needed = [run for run in runs_on(known, runs) if run.status not in ENDED]
    if needed and known.source != "folder":
        raise DataError(
            f"{known.name!r} was not deleted, because run {needed[0].name!r} still needs it: wait for that run, or "
            "cancel it."
        )


def unlisted_paths(known: Iterable[KnownDataset], runs: Iterable[Run]) -> dict[str, int]:
    """Return the paths of datasets that have runs but are not listed, with their numbers of runs."""
    listed = {dataset.path for dataset in known}
    counts: dict[str, int] = {}
    for run in runs:
        if run.config.data.path not in listed:
            counts[run.config.data.path] = counts.get(run.config.data.path, 0) + 1
    return counts
