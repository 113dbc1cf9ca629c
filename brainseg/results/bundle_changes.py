"""Changes to the description in a finished run's bundle, such as a calibration."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainseg.files import write_json
from brainseg.models.bundle import DESCRIPTION, write_description
from brainseg.models.description import FORMAT, BundleDescription, bundle_digest
from brainseg.runs import Run, RunStore


def replace_description(
    store: RunStore, run: Run, description: BundleDescription, files: Mapping[str, Any] | None = None
) -> None:
    """Write a new description into a run's bundle; the model gets a new version, since its answers change.

    A crash at any moment leaves a bundle that the store accepts.

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
        write_description(place, description.model_copy(update={"format": FORMAT}))
        store.replace_in_bundle(run, place / DESCRIPTION, bundle_digest(place, description))
