"""The model card of a run, made from the run's files."""

from __future__ import annotations

from pathlib import Path

from brainseg.datasets.registry import PHANTOM
from brainseg.errors import RunError
from brainseg.models.description import bundle_digest, read_description
from brainseg.results import stored_results
from brainseg.results.model_card import model_card
from brainseg.runs import Run, RunStore


def card_of(store: RunStore, run: Run) -> str:
    """Return the model card of a finished run as Markdown. It states which files are lost.

    Raises:
        RunError: The run has no model.
        BundleError: Its bundle is damaged.
    """
    folder = store.bundle(run)
    description = read_description(folder)
    version = bundle_digest(folder, description)[:12]
    try:
        report = stored_results.evaluation(store, run)
    except RunError:
        report = None
    dataset = stored_results.readable([], stored_results.read_json, store, run, "dataset.json")
    if dataset:
        place = Path(run.config.data.path)
        dataset["synthetic"] = ((place.parent if place.is_file() else place) / PHANTOM).is_file()
        if (split := stored_results.readable([], stored_results.split, store, run)) is not None:
            dataset["sides"] = split["split"].value_counts().to_dict()
    return model_card(description, report, run.config, dataset, version)
