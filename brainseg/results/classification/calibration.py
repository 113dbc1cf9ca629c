"""The calibration of a run: in words, and its fit on the stored predictions of a run that has none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.datasets.leak_groups import leak_groups
from brainseg.diagnosis.calibrated import calibration_sentence
from brainseg.errors import RunError
from brainseg.evaluation.calibration import (
    CALIBRATION,
    VALIDATION_PREDICTIONS,
    CalibrationReport,
    Reliability,
    calibrate,
    calibration_values,
)
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.files import write_json
from brainseg.models.bundle import DESCRIPTION, write_description
from brainseg.models.description import FORMAT, bundle_digest, read_description
from brainseg.results import stored_results
from brainseg.runs import Run, RunStore

MEASURES = {
    "ece": "expected calibration error",
    "ace": "average calibration error",
    "mce": "maximum calibration error",
    "brier": "Brier score",
    "nll": "negative log-likelihood",
}


def calibrate_run(store: RunStore, run: Run) -> CalibrationReport:
    """Fit the temperature of a finished run on its stored predictions, and write it into the run's bundle.

    The model gets a new version, since its answers change.

    Raises:
        RunError: The run has no model, or lacks the predictions of its validation set.
        BundleError: The bundle cannot be used.
    """
    folder = store.bundle(run)
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    table = None
    if report:
        name = VALIDATION_PREDICTIONS if report.get("evaluated_on") == "test" else "predictions.parquet"
        table = stored_results.predictions(store, run, report["classes"], name)
    if report is None or table is None:
        raise RunError(
            f"Run {run.name!r} has no stored predictions of its validation set, which calibration needs: train it "
            "again."
        )
    groups, copies = _groups_and_copies(store, run, report, table)
    found = calibrate(table, report["classes"], report["positive"], groups, copies)
    description = read_description(folder).model_copy(update={"calibration": found["state"], "format": FORMAT})
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        write_json(place / CALIBRATION, calibration_values(found))
        write_description(place, description)
        store.log_file(run.id, place / CALIBRATION)
        store.replace_in_bundle(run, place / DESCRIPTION, bundle_digest(place, description))
    return found


def _groups_and_copies(
    store: RunStore, run: Run, report: ClassificationEvaluation, table: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Return which images belong together, (N,) int, and which are copies of training images, (N,) bool."""
    split = stored_results.split(store, run)
    rows = None if split is None else split.set_index("path", drop=False).reindex(table["path"])
    if split is None or rows is None or rows["split"].isna().any():
        raise RunError(
            f"Run {run.name!r} does not record which images it learnt from (split.csv), which calibration needs: train "
            "it again."
        )
    learnt = split[split["split"] == "train"]
    copies = rows["sha256"].isin(learnt["sha256"]) | ((rows["twin"] != "") & rows["twin"].isin(learnt["twin"]))
    if report.get("evaluated_on") != "test" and copies.sum() < report.get("copies_in_training", 0):
        raise RunError(
            f"Run {run.name!r} has {report['copies_in_training']} validation images with a copy in its training set, "
            "but does not record which, so they cannot be left out of the calibration: train it again."
        )
    return leak_groups(rows.reset_index(drop=True)), copies.to_numpy()


def calibration_lines(report: CalibrationReport) -> list[str]:
    """Return sentences on a run's calibration: the state, what was measured, and what was left out."""
    before, after = report["before"], report["after"]
    lines = [calibration_sentence(report["state"])]
    if before:
        lines.append(f"The network's own scores: {_measures(before)}.")
    if after and after != before:
        lines.append(f"After scaling, measured on images outside each fit: {_measures(after)}.")
    elif after:
        lines.append("Scaling did not lower the loss of images outside the fit, so the scores stay as they are.")
    if report["copies"]:
        lines.append(f"{report['copies']} images with a copy in the training set were left out.")
    return lines


def _measures(found: Reliability) -> str:
    parts = []
    for name, title in MEASURES.items():
        interval = found["intervals"].get(name)
        bounds = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        parts.append(f"{title} {found[name]:.3f}{bounds}")  # type: ignore[literal-required]
    return ", ".join(parts)
