"""The parts of a cross-validation that differ for classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from brainseg.evaluation.crossval.classes import METRICS, pooled_classes
from brainseg.evaluation.crossval.pooled import Pooled
from brainseg.evaluation.stored import ClassificationEvaluation, metric
from brainseg.results.crossval.pooled_runs import pool_runs
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
    """Evaluate the pooled predictions; see `pool_runs`."""
    return pool_runs(
        ClassificationEvaluation,
        store,
        parent,
        runs,
        table,
        lambda each: (tuple(each["classes"]), each["positive"]),
        pooled_classes,
    )


def store_files(_store: RunStore, _runs: Sequence[Run], _table: pd.DataFrame, _folder: Path) -> None:
    """Store nothing else: the table of predictions holds everything."""
