"""What is known of a run at any moment: from the store once it ended, from its workspace while it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

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


def run_details(store: RunStore, run: Run) -> dict[str, Any]:
    """Return everything that one wants to see of a run, as plain values that JSON can hold.

    Epochs, evaluation, measured heatmaps, hardest cases, learning-rate curve and weights are empty as long as they do
    not exist.
    """
    workspace = Workspace(run.id)
    running = run.status == "RUNNING"
    epochs, hardest = run_file(store, run, "epochs.csv"), run_file(store, run, "hardest.csv")
    return {
        **run.to_dict(),
        "config": run.config.model_dump(mode="json"),
        "progress": workspace.read_progress() if running else {},
        "epochs": pd.read_csv(epochs).to_dict(orient="records") if epochs else [],
        "evaluation": _json(run_file(store, run, "evaluation.json")),
        "heatmaps": _json(run_file(store, run, "heatmaps.json")),
        "learning_rate": _json(run_file(store, run, "learning_rate.json")),
        "weights": _json(run_file(store, run, "weights.json")),
        "hardest": pd.read_csv(hardest).to_dict(orient="records") if hardest else [],
        "log": workspace.log_tail() if running else "",
    }


def _json(file: Path | None) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8")) if file else {}
