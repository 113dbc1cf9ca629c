"""Runs that nothing works on any more, although the store says that they run, or that they wait to be started."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from brainseg.jobs.workspace import Workspace
from brainseg.runs import EndKind, Run, RunStore
from brainseg.runs.run import LOCAL

HANDOVER_LIMIT = 60.0
"""Seconds within which a queued run is given to its launcher."""
_LOST = "The {} and its supervisor ended without recording why."
_COPIED = "This home was copied or moved during the {}{}."
_RESTORED = "The {} was under way when the backup was made ({}) from which this home was restored."
_CONTINUES = ", which continues in the other folder"


def mark_lost(store: RunStore, run: Run) -> None:
    """Record the end of a run for which `is_lost` is true, and its reason; call it while the queue is locked."""
    workspace = Workspace(run.id)
    if made := workspace.restored():
        store.set_status(run.id, "FAILED", _RESTORED.format(run.work, made), EndKind.MOVED)
    elif other := workspace.other_home():
        continues = (Path(other) / "work" / run.id).is_dir()
        moved = _COPIED.format(run.work, _CONTINUES if continues else "")
        store.set_status(run.id, "FAILED", moved, EndKind.MOVED)
    else:
        store.set_status(run.id, "FAILED", _LOST.format(run.work), EndKind.LOST, workspace.log_tail())


def forgotten(store: RunStore, runs: Iterable[Run]) -> list[Run]:
    """Return those of the runs that wait for another launcher, which was not told: who queued them died first."""
    waiting = (run for run in runs if run.status == "SCHEDULED" and run.launcher != LOCAL and not run.is_parent)
    late = (run for run in waiting if time.time() - run.queued > HANDOVER_LIMIT and store.owns(run))
    return [run for run in late if not Workspace(run.id).handover.exists()]


def is_lost(store: RunStore, run: Run) -> bool:
    """Return whether a run of this home has the status RUNNING although all its processes have died.

    A waiting run is lost if the process that another launcher started for it died before it claimed the run.

    No process works on a cross-validation or a search: it is lost if some folds have no run and none is being made, or
    if a search has nothing in the queue, so that its next step was not taken.
    """
    if run.kind == "search":
        idle = run.trials is not None and not run.trials.live and not run.trials.confirming
        return run.status == "RUNNING" and store.owns(run) and idle
    if run.kind == "crossval":
        return run.status == "SCHEDULED" and store.owns(run) and run.counts is not None and run.counts.missing > 0
    if run.status == "SCHEDULED":
        return run.launcher != LOCAL and store.owns(run) and Workspace(run.id).starter_died()
    return run.status == "RUNNING" and store.owns(run) and Workspace(run.id).abandoned()
