"""What can be taken along of a run: its bundle and its figures, each as one zip file, and its predictions."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from brainseg import DISCLAIMER
from brainseg.dashboard.page import csv_bytes
from brainseg.dashboard.runs import results as run_results
from brainseg.dashboard.runs.figures import write_run_figures
from brainseg.errors import RunError
from brainseg.runs import Run, RunStore

NOTICE = "README.txt"
_PACKED = {".safetensors", ".png"}


def bundle_zip(store: RunStore, run: Run) -> bytes:
    """Return a run's bundle as a zip file.

    Raises:
        RunError: The run has no model.
    """
    folder = store.bundle(run)
    what = f"The model of run {run.name} ({run.id}): keep the files of bundle/ together and unchanged."
    return _zip(((file, f"bundle/{file.name}") for file in sorted(folder.iterdir()) if file.is_file()), what)


def figures_zip(store: RunStore, run: Run) -> bytes:
    """Return a run's figures, as `write_run_figures` draws them, as a zip file.

    Raises:
        RunError: The run has nothing to draw yet.
    """
    with tempfile.TemporaryDirectory() as name:
        write_run_figures(store, run, Path(name))
        what = f"The plots of run {run.name} ({run.id}): open the pages in any browser, beside plotly.min.js."
        return _zip(((file, f"figures/{file.name}") for file in sorted(Path(name).iterdir())), what)


def predictions_file(store: RunStore, run: Run) -> bytes:
    """Return a run's predictions as CSV: a row an image, of a segmentation a row a judged slice.

    Raises:
        RunError: The run has none, or they are damaged.
    """
    if run.config.task == "segment":
        table = run_results.slices(store, run)
    else:
        report = run_results.evaluation(store, run)
        table = run_results.predictions(store, run, report["classes"]) if report else None
    if table is None:
        raise RunError(f"Run {run.name!r} is {run.status} and has no predictions.")
    return csv_bytes(table)


def file_stem(run: Run) -> str:
    """Return the start of a download's name: the run's name, as every system allows it, and its id's first digits."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', run.name).strip('-.') or 'run'}-{run.id[:8]}"


def _zip(files: Iterable[tuple[Path, str]], what: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NOTICE, f"{what}\n{DISCLAIMER}\n")
        for file, name in files:
            # Weights and pictures do not get smaller: trying takes seconds.
            archive.write(file, name, zipfile.ZIP_STORED if file.suffix in _PACKED else zipfile.ZIP_DEFLATED)
    return stream.getvalue()
