"""The Dice of a segmentation on a part of its evaluated slices."""

from __future__ import annotations

import pandas as pd

from brainseg.evaluation.segmentation import evaluate_masks
from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run


def dice(run: Run, report: SegmentationEvaluation, table: pd.DataFrame) -> SubsetMetric:
    """Return the Dice of all pixels with its bootstrap interval over patients.

    Args:
        run: The run.
        report: Its evaluation.
        table: Some rows of its table of slices.
    """
    found = evaluate_masks(table, report["classes"], report["rule"], run.config.data.seed).to_dict()
    interval = found["intervals"].get("dice")
    return {"name": "dice", "value": found["dice"], "interval": interval, "count": len(table)}
