"""A run's model card, gathered from the run's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from brainseg.datasets.registry import PHANTOM
from brainseg.models.description import bundle_digest, read_description
from brainseg.results.model_card import model_card
from brainseg.results.run_files import run_file
from brainseg.runs import Run, RunStore


def card_of(store: RunStore, run: Run) -> str:
    """Return the model card of a finished run as Markdown; parts whose file is lost say so.

    Raises:
        RunError: The run has no model.
        BundleError: Its bundle is damaged.
    """
    folder = store.bundle(run)
    description = read_description(folder)
    version = bundle_digest(folder, description)[:12]
    report, dataset = _stored(store, run, "evaluation.json"), _stored(store, run, "dataset.json")
    if dataset:
        place = Path(run.config.data.path)
        dataset["synthetic"] = ((place.parent if place.is_file() else place) / PHANTOM).is_file()
        if split := run_file(store, run, "split.csv"):
            dataset["sides"] = pd.read_csv(split)["split"].value_counts().to_dict()
    return model_card(description, report, run.config, dataset, version)


def _stored(store: RunStore, run: Run, name: str) -> dict[str, Any]:
    """Return what a JSON file of a run holds; nothing where it is missing or damaged."""
    file = run_file(store, run, name)
    try:
        return json.loads(file.read_text("utf-8")) if file else {}
    except (OSError, ValueError):
        return {}
