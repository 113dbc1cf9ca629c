"""The accuracy of a classifier on a part of its evaluated images."""

from __future__ import annotations

import pandas as pd

from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.stored import ClassificationEvaluation
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
