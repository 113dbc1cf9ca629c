"""The accuracy of a classifier on a part of its evaluated images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.evaluation.subset_gaps import Gap, accuracy_gap
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run


def accuracy(run: Run, report: ClassificationEvaluation, table: pd.DataFrame) -> SubsetMetric:
    """Return the accuracy with its Wilson interval.

    Args:
        run: The run.
        report: Its evaluation.
        table: Some rows of its predictions.
    """
    found = evaluate(table, report["classes"], report["positive"]).to_dict()
    interval = found["intervals"]["accuracy"]
    return {"name": "accuracy", "value": found["accuracy"], "interval": interval, "count": len(table)}


def gap(run: Run, table: pd.DataFrame, inside: np.ndarray, units: np.ndarray) -> Gap:
    """Compare the accuracy on a subset with that on all other images.

    Args:
        run: The run.
        table: Rows of its predictions.
        inside: (rows,) bool, which of them are in the subset.
        units: (rows,) int, see `accuracy_gap`.
    """
    correct = (table["label"] == table["prediction"]).to_numpy(dtype=bool)
    return accuracy_gap(correct, inside, units, run.config.data.seed)
