"""Finds the result files of a run: in its workspace while it runs, in the store after it ended."""

from __future__ import annotations

from pathlib import Path

from brainseg.errors import RunError
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore


def run_file(store: RunStore, run: Run, name: str) -> Path | None:
    """Return a result file of a run, live or stored; None if it does not exist (yet)."""
    live = Workspace(run.id).results / name
    if live.exists():
        return live
    try:
        return store.path(run.id, name)
    except RunError:
        return None
