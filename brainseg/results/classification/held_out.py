"""The stored predictions of images that a run did not learn from, on which its answers are calibrated."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.split_table import copies_of
from brainseg.errors import RunError
from brainseg.evaluation.calibration import VALIDATION_PREDICTIONS
from brainseg.evaluation.operating import HeldOut
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.results import stored_results
from brainseg.results.crossval.reading import complete_result
from brainseg.runs import Run, RunStore

FREE = ("data.", "preset", "compute.", "evaluation.")
"""Beginnings of settings that do not change how a network is trained; the images are compared one by one."""


def held_out(store: RunStore, run: Run, parent: Run | None = None) -> HeldOut:
    """Return stored predictions of images that a run did not learn from.

    Args:
        store: The run store.
        run: A finished run that classifies.
        parent: A cross-validation of the same settings and images, whose out-of-fold predictions are used; None for the
            predictions of the run's own validation set.

    Raises:
        RunError: The run lacks the predictions of its validation set, or does not fit `parent`.
    """
    if parent and run.members:
        raise RunError(
            f"Run {run.name!r} is an ensemble, for which a cross-validation has no predictions: leave out --from."
        )
    return _out_of_fold(store, run, parent) if parent else _on_validation_set(store, run)


def test_set(store: RunStore, run: Run) -> HeldOut | None:
    """Return the stored predictions of a run's test set; None if it was evaluated on its validation set.

    Raises:
        RunError: The run does not record which images it learnt from.
    """
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    if report is None or report.get("evaluated_on") != "test":
        return None
    table = stored_results.predictions(store, run, report["classes"])
    if table is None:
        return None
    groups, copies = _groups_and_copies(store, run, report, table)
    return HeldOut(table, report["classes"], report["positive"], groups, copies)


def _on_validation_set(store: RunStore, run: Run) -> HeldOut:
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    table = None
    if report:
        name = VALIDATION_PREDICTIONS if report.get("evaluated_on") == "test" else "predictions.parquet"
        table = stored_results.predictions(store, run, report["classes"], name)
    if report is None or table is None:
        raise RunError(
            f"Run {run.name!r} has no stored predictions of its validation set, which calibration and thresholds "
            "need: train it again."
        )
    groups, copies = _groups_and_copies(store, run, report, table)
    return HeldOut(table, report["classes"], report["positive"], groups, copies)


def _out_of_fold(store: RunStore, run: Run, parent: Run) -> HeldOut:
    """Return the first repeat of a cross-validation, in which each image was predicted once."""
    complete_result(store, parent)
    _refuse_other_recipe(run, parent)
    report = stored_results.evaluation_as(ClassificationEvaluation, store, parent)
    table, split = stored_results.out_of_fold(store, parent), stored_results.split(store, run)
    if report is None or table is None or split is None:
        raise RunError(f"Run {run.name!r} or {parent.name!r} lacks its stored results: train it again.")
    table = table[table["repeat"] == 0].reset_index(drop=True)
    if set(table["sha256"]) != set(split["sha256"]):
        raise RunError(
            f"{parent.name!r} was trained on other images than {run.name!r}: choose a cross-validation of its dataset."
        )
    if not parent.config.data.grouped_folds and table["unit"].nunique() < len(table):
        raise RunError(
            f"The folds of {parent.name!r} separate copies or slices of one patient, so its predictions are too good "
            "to calibrate on: choose one with data.grouped_folds=true."
        )
    copies = np.zeros(len(table), dtype=bool)
    return HeldOut(table, report["classes"], report["positive"], table["unit"].to_numpy(), copies, "out-of-fold")


def _refuse_other_recipe(run: Run, parent: Run) -> None:
    """Refuse a cross-validation whose networks are trained otherwise than that of the run.

    Raises:
        RunError: Names a setting that differs.
    """
    if parent.plan and parent.plan.candidates:
        raise RunError(
            f"{parent.name!r} is a nested cross-validation, whose folds may have different settings: choose one that "
            "is not nested."
        )
    mine, its = run.config.flat(), parent.config.flat()
    differing = [name for name in mine if mine[name] != its[name] and not name.startswith(FREE)]
    if differing:
        name = differing[0]
        raise RunError(
            f"{parent.name!r} has {name}={its[name]} and {run.name!r} has {mine[name]}, so its networks are trained "
            "otherwise: choose a cross-validation of the same settings."
        )


def _groups_and_copies(
    store: RunStore, run: Run, report: ClassificationEvaluation, table: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Return which images belong together, (N,) int, and which are copies of training images, (N,) bool."""
    split = stored_results.split(store, run)
    rows = None if split is None else split.set_index("path", drop=False).reindex(table["path"])
    if split is None or rows is None or rows["split"].isna().any():
        raise RunError(
            f"Run {run.name!r} does not record which images it learnt from (split.csv), which calibration and "
            "thresholds need: train it again."
        )
    identical, near = copies_of(split[split["split"] == "train"], rows)
    copies = identical | near
    if report.get("evaluated_on") != "test" and copies.sum() < report.get("copies_in_training", 0):
        raise RunError(
            f"Run {run.name!r} has {report['copies_in_training']} validation images with a copy in its training set, "
            "but does not record which, so they cannot be left out: train it again."
        )
    return leak_groups(rows.reset_index(drop=True)), copies
