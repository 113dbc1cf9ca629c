"""Pooled scores of a cross-validated segmentation."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from brainseg.evaluation.bootstrap import DRAWS
from brainseg.evaluation.crossval.pooled import (
    BOOTSTRAP,
    Pooled,
    PooledInterval,
    bounds_of,
    mean_metrics,
    repeats_of,
    unit_words,
)
from brainseg.evaluation.segmentation.evaluate import evaluate_masks, repeated_intervals
from brainseg.evaluation.stored import Evaluation, score

METRICS = (
    "dice",
    "slice_dice",
    "patient_dice",
    "iou",
    "sensitivity",
    "precision",
    "detection_sensitivity",
    "detection_specificity",
)


def pooled_masks(table: pd.DataFrame, classes: Sequence[str], rule: str, seed: int = 0) -> Pooled:
    """Evaluate the pooled slices of a segmentation; intervals are by bootstrap over units.

    Args:
        table: From `pooling.pool`, with the columns of a table of slices.
        classes: Names of the pixel classes, background first.
        rule: The empty-mask rule.
        seed: Seed of the draws.

    Raises:
        ValueError: As for `evaluate_masks`.
    """
    repeats = repeats_of(table)
    reports = [evaluate_masks(rows, classes, rule, seed).to_dict() for rows in repeats]
    what = unit_words(table)
    bounds = repeated_intervals(repeats, [rows["unit"].to_numpy() for rows in repeats], rule, seed)
    method = BOOTSTRAP.format(what.replace("images", "slices"), f"{DRAWS:,}")
    intervals: dict[str, PooledInterval | None] = {}
    for name in METRICS:
        found = bounds[name]
        sound = found is not None and found[0] < found[1]
        intervals[name] = {"low": found[0], "high": found[1], "method": method} if found and sound else None
    evaluation: Evaluation = reports[0]
    evaluation["intervals"] = bounds_of(intervals)
    if len(repeats) > 1:  # its scores are those of the first repeat, and so are their intervals
        evaluation = pooled_masks(repeats[0], classes, rule, seed)["evaluation"]
    return {
        "metrics": mean_metrics([{name: score(report, name) for name in METRICS} for report in reports]),
        "intervals": intervals,
        "count": len(repeats[0]),
        "units": int(table["unit"].nunique()),
        "unit": what,
        "repeats": len(repeats),
        "evaluation": evaluation,
    }
