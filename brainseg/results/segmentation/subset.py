"""The Dice of a segmentation on a part of its evaluated slices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.evaluation.subset_gaps import Gap, dice_gap, pooled_dice
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run


def dice(run: Run, _report: SegmentationEvaluation, table: pd.DataFrame) -> SubsetMetric:
    """Return the Dice of all pixels with its bootstrap interval over patients.

    Args:
        run: The run.
        table: Some rows of its table of slices.
    """
    value, interval = pooled_dice(table, run.config.data.seed)
    return {"name": "dice", "value": value, "interval": interval, "count": len(table)}


def gap(run: Run, table: pd.DataFrame, inside: np.ndarray, _units: np.ndarray) -> Gap:
    """Compare the Dice on a subset with that on all other slices.

    Args:
        run: The run.
        table: Rows of its table of slices.
        inside: (rows,) bool, which of them are in the subset.
    """
    return dice_gap(table, inside, run.config.data.seed)
