"""Downloads of a run: its bundle as a zip file, and its predictions as CSV."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from brainseg import DISCLAIMER
from brainseg.errors import RunError
from brainseg.models.ensemble import FILE
from brainseg.results.by_task import results_of
from brainseg.results.csv_text import csv_bytes
from brainseg.results.stored_results import out_of_fold
from brainseg.runs import Run, RunStore
from brainseg.runs.asking import asks_about_run
from brainseg.runs.ensembles import FOLDER, open_ensemble
from brainseg.users.policy import Act

NOTICE = "README.txt"
_PACKED = {".safetensors", ".png"}


@asks_about_run(Act.EXPORT)
def bundle_zip(store: RunStore, run: Run) -> bytes:
    """Return a run's bundle as a zip file; of an ensemble, its description with the bundles of its members.

    Raises:
        RunError: The run has no model.
        BundleError: A member of the ensemble was deleted or changed.
    """
    if run.members:
        return _ensemble_zip(store, run)
    folder = store.bundle(run)
    what = f"The model of run {run.name} ({run.id}): keep the files of bundle/ together and unchanged."
    return zip_file(((file, f"bundle/{file.name}") for file in sorted(folder.iterdir()) if file.is_file()), what)


def _ensemble_zip(store: RunStore, run: Run) -> bytes:
    opened = open_ensemble(store, run)
    files = [(store.path(run.id, FOLDER) / FILE, f"bundle/{FILE}")]
    for member, bundle in zip(opened.members, opened.bundles, strict=True):
        files += [
            (file, f"members/{member.id}/bundle/{file.name}") for file in sorted(bundle.iterdir()) if file.is_file()
        ]
    named = ", ".join(f"{member.name} in members/{member.id}/" for member in opened.members)
    return zip_file(files, f"The ensemble of run {run.name} ({run.id}): {named}. Keep its files unchanged.")


@asks_about_run(Act.EXPORT)
def predictions_file(store: RunStore, run: Run) -> bytes:
    """Return a run's predictions as CSV: one row per image, or per evaluated slice for a segmentation.

    For a cross-validation, these are the pooled predictions of all repeats.

    Raises:
        RunError: The run has none, or they are damaged.
    """
    read = out_of_fold if run.kind == "crossval" else results_of(run.config.task).predictions
    table = read(store, run)
    if table is None:
        raise RunError(f"Run {run.name!r} is {run.status} and has no predictions.")
    return csv_bytes(table)


def file_stem(run: Run) -> str:
    """Return the start of a download's name: the run's name in characters that all systems allow, and its short id."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', run.name).strip('-.') or 'run'}-{run.id[:8]}"


def zip_file(files: Iterable[tuple[Path, str]], what: str) -> bytes:
    """Return files as a zip archive, with a text file that describes them.

    Args:
        files: Each file and its name in the archive.
        what: First line of that text.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NOTICE, f"{what}\n{DISCLAIMER}\n")
        for file, name in files:
            # Weights and images cannot be compressed further, and trying takes seconds.
            archive.write(file, name, zipfile.ZIP_STORED if file.suffix in _PACKED else zipfile.ZIP_DEFLATED)
    return stream.getvalue()
