"""The parts of a cross-validation that differ for classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pandas as pd

from brainseg.errors import RunError
from brainseg.evaluation.crossval.classes import METRICS, pooled_classes
from brainseg.evaluation.crossval.pooled import Pooled
from brainseg.evaluation.stored import ClassificationEvaluation, metric
from brainseg.results import stored_results
from brainseg.results.crossval.basis import pooled_basis
from brainseg.runs import Run, RunStore

NAMES = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "balanced_accuracy": "Balanced accuracy",
    "roc_auc": "ROC AUC",
}
"""Metric -> its name, in the order in which they are shown."""


def fold_metrics(evaluation: ClassificationEvaluation) -> dict[str, float | None]:
    """Return the metrics of one fold."""
    return {name: metric(evaluation, name) for name in METRICS}


def pool(store: RunStore, parent: Run, runs: Sequence[Run], table: pd.DataFrame) -> Pooled:
    """Evaluate the pooled predictions.

    Args:
        store: The run store.
        parent: The cross-validation.
        runs: Its folds.
        table: From `evaluation.crossval.pooling.pool`.

    Raises:
        RunError: The folds differ in their classes, or their files are damaged.
    """
    found = [stored_results.evaluation_as(ClassificationEvaluation, store, run) for run in runs]
    evaluations = [each for each in found if each]
    classes = {(tuple(each["classes"]), each["positive"]) for each in evaluations}
    if len(classes) != 1 or len(evaluations) < len(runs):
        raise RunError(f"The folds of {parent.name!r} differ in their classes, so they cannot be pooled.")
    try:
        pooled = pooled_classes(table, *classes.pop())
    except ValueError as error:
        raise RunError(f"The predictions of the folds of {parent.name!r} are damaged: {error}") from error
    evaluation = pooled["evaluation"]
    facts = {**evaluation, **pooled_basis(runs, evaluations, evaluation["matrix"])}
    return {**pooled, "evaluation": cast("ClassificationEvaluation", facts)}


def store_files(_store: RunStore, _runs: Sequence[Run], _table: pd.DataFrame, _folder: Path) -> None:
    """Store nothing else: the table of predictions holds everything."""
