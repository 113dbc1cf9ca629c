"""The description of a finished run's model, and changes to it, such as a calibration."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainseg.files import write_json
from brainseg.models.bundle import DESCRIPTION, write_description
from brainseg.models.description import FORMAT, bundle_digest, read_description
from brainseg.models.ensemble import FILE, EnsembleDescription, ModelDescription, write_ensemble
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import stored_ensemble


def description_of(store: RunStore, run: Run) -> ModelDescription:
    """Return how a finished run's model was made, how it decides and how it is calibrated.

    Raises:
        RunError: The run has no model.
        BundleError: What is stored of the model cannot be used.
    """
    return stored_ensemble(store, run).description if run.members else read_description(store.bundle(run))


def replace_description(
    store: RunStore, run: Run, description: ModelDescription, files: Mapping[str, Any] | None = None
) -> None:
    """Write a new description of a run's model; the model gets a new version, since its answers change.

    A crash at any moment leaves a model that the store accepts.

    Args:
        store: The run store.
        run: A finished run, as it is now.
        description: The new description; it gets the newest format.
        files: Name of a file of the run -> its new content, which JSON can hold; they are stored first.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        for name, values in (files or {}).items():
            write_json(place / name, values)
            store.log_file(run.id, place / name)
        if isinstance(description, EnsembleDescription):
            store.replace_in_bundle(run, place / FILE, write_ensemble(place, description))
            return
        write_description(place, description.model_copy(update={"format": FORMAT}))
        store.replace_in_bundle(run, place / DESCRIPTION, bundle_digest(place, description))
