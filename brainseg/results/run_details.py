"""All stored results of a run as plain values: the output of `show --json`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from brainseg.jobs.workspace import Workspace
from brainseg.results import stored_results
from brainseg.runs import Run, RunStore

_TABLES = {"epochs": stored_results.epochs, "hardest": stored_results.hardest}
_FILES = ("heatmaps", "learning_rate", "weights")


def run_details(store: RunStore, run: Run) -> dict[str, Any]:
    """Return all results of a run as plain values that JSON can hold.

    Epochs, evaluation, measured heatmaps, hardest cases, learning-rate curve and weights are empty until they exist.
    `damaged` has a sentence for each of their files that cannot be read.
    """
    running, workspace = run.status == "RUNNING", Workspace(run.id)
    found: dict[str, Any] = {}
    damaged: list[str] = []
    for name, read in _TABLES.items():
        found[name] = _records(stored_results.readable(damaged, read, store, run))
    found["evaluation"] = stored_results.readable(damaged, stored_results.evaluation, store, run) or {}
    for name in _FILES:
        found[name] = stored_results.readable(damaged, stored_results.read_json, store, run, f"{name}.json") or {}
    return {
        **run.to_dict(),
        "config": run.config.model_dump(mode="json"),
        "progress": workspace.read_progress() if running else {},
        **found,
        "damaged": damaged,
        "log": workspace.log_tail() if running else "",
    }


def _records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    if table is None:
        return []
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]
