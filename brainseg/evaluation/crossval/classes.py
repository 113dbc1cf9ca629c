"""Pooled metrics of a cross-validated classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation.bootstrap import DRAWS, drawn
from brainseg.evaluation.class_bootstrap import drawn_metrics, sound_percentiles
from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.crossval.pooled import (
    BOOTSTRAP,
    WILSON,
    Pooled,
    PooledInterval,
    bounds_of,
    mean_metrics,
    repeats_of,
    sure_interval,
    unit_words,
)
from brainseg.evaluation.report import ClassificationReport
from brainseg.evaluation.stored import Evaluation

METRICS = ("accuracy", "sensitivity", "specificity", "f1", "balanced_accuracy", "roc_auc")
_PROPORTIONS = ("accuracy", "sensitivity", "specificity")


def pooled_classes(table: pd.DataFrame, classes: Sequence[str], positive: str | None, seed: int = 0) -> Pooled:
    """Evaluate the pooled predictions of a classifier.

    Accuracy, sensitivity and specificity have Wilson intervals if every image is independent of all others and there is
    one repeat. Otherwise, and for all other metrics, whole units are drawn with replacement (cluster bootstrap; Field
    and Welsh 2007, JRSS B 69, 369-390).

    Args:
        table: From `pooling.pool`, with the columns of a table of predictions.
        classes: All class names, in the models' order.
        positive: As for `classification.evaluate`.
        seed: Seed of the draws.

    Raises:
        ValueError: As for `classification.evaluate`.
    """
    repeats = repeats_of(table)
    reports = [evaluate(rows, classes, positive) for rows in repeats]
    metrics = mean_metrics([{name: getattr(report, name) for name in METRICS} for report in reports])
    units, what = int(table["unit"].max()) + 1, unit_words(table)
    intervals = _bootstrapped(repeats, classes, positive, units, what, seed)
    for name in _PROPORTIONS:
        intervals[name] = _proportion(name, metrics[name], intervals[name], repeats, reports, units, what)
    evaluation: Evaluation = reports[0].to_dict()
    evaluation["intervals"] = bounds_of(intervals)
    if len(repeats) > 1:  # its metrics are those of the first repeat, and so are their intervals
        evaluation = pooled_classes(repeats[0], classes, positive, seed)["evaluation"]
    return {
        "metrics": metrics,
        "intervals": intervals,
        "count": len(repeats[0]),
        "units": units,
        "unit": what,
        "repeats": len(repeats),
        "evaluation": evaluation,
    }


def _proportion(
    name: str,
    value: float | None,
    drawn_interval: PooledInterval | None,
    repeats: Sequence[pd.DataFrame],
    reports: Sequence[ClassificationReport],
    units: int,
    what: str,
) -> PooledInterval | None:
    """Return the interval of a proportion of images: Wilson's where images are independent."""
    if value is None:
        return None
    report, positive = reports[0], reports[0].positive
    wilson = report.intervals.get(name)
    if len(repeats) == 1 and units == len(repeats[0]) and wilson:
        return {"low": wilson[0], "high": wilson[1], "method": WILSON}
    if value in (0.0, 1.0) and (positive is not None or name == "accuracy"):
        rows = repeats[0]
        counted = {
            "accuracy": rows["unit"],
            "sensitivity": rows["unit"][rows["label"] == positive],
            "specificity": rows["unit"][rows["label"] != positive],
        }[name]
        return sure_interval(value, counted.nunique(), what)
    return drawn_interval


def _bootstrapped(
    repeats: Sequence[pd.DataFrame], classes: Sequence[str], positive: str | None, units: int, what: str, seed: int
) -> dict[str, PooledInterval | None]:
    if units < 2:
        return dict.fromkeys(METRICS)
    times = drawn(units, seed)
    values = [drawn_metrics(rows, classes, positive, rows["unit"].to_numpy(), times) for rows in repeats]
    method = BOOTSTRAP.format(what, f"{DRAWS:,}")
    intervals: dict[str, PooledInterval | None] = {}
    for name in METRICS:
        bounds = sound_percentiles(np.mean([found[name] for found in values], axis=0))
        intervals[name] = {"low": bounds[0], "high": bounds[1], "method": method} if bounds else None
    return intervals
