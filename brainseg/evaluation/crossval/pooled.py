"""The result of a cross-validation on the pooled predictions, of any task."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.stored import Evaluation, Intervals

WILSON = "Wilson, over images"
BOOTSTRAP = "bootstrap over {}, {} draws"
WILSON_UNITS = "Wilson, over {}, since no draw differs"


class PooledInterval(TypedDict):
    """A 95 % interval of a pooled metric, and how it was computed."""

    low: float
    high: float
    method: str


class Pooled(TypedDict):
    """Metrics of the pooled out-of-fold predictions.

    Their intervals cover which images happened to be in the dataset. They do not cover that training on another dataset
    gives another model.

    Attributes:
        metrics: Mean over the repeats of each metric of all images together; None where it is not defined.
        intervals: 95 % interval of each metric; None where there is none.
        count: Number of images or slices; each counts once, however many repeats there are.
        units: Number of independent units: patients with their copies, or single images.
        unit: What the units are, in the plural.
        repeats: Number of repeats.
        evaluation: The complete evaluation of the first repeat, with these intervals.
    """

    metrics: dict[str, float | None]
    intervals: dict[str, PooledInterval | None]
    count: int
    units: int
    unit: str
    repeats: int
    evaluation: Evaluation


def repeats_of(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the pooled predictions of each repeat, each by path."""
    return [rows.reset_index(drop=True) for _, rows in table.groupby("repeat", sort=True)]


def unit_words(table: pd.DataFrame) -> str:
    """Return what the units of a pooled table are, in the plural."""
    if (table["group"] != "").any():
        return "patients"
    return "images" if table["unit"].nunique() == table["path"].nunique() else "images with their copies"


def mean_metrics(reports: Iterable[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the mean of each metric over repeats; None where one of them does not define it.

    >>> mean_metrics([{"accuracy": 0.5}, {"accuracy": 1.0}])
    {'accuracy': 0.75}
    """
    frame = pd.DataFrame([{name: _number(value) for name, value in report.items()} for report in reports])
    return {str(name): _known(float(np.mean(frame[name].to_numpy()))) for name in frame}


def bounds_of(intervals: Mapping[str, PooledInterval | None]) -> Intervals:
    """Return intervals as an evaluation holds them."""
    return {name: (found["low"], found["high"]) if found else None for name, found in intervals.items()}


def sure_interval(value: float, units: int, what: str) -> PooledInterval:
    """Return the interval of a proportion of 0 or 1, for which every bootstrap draw is the same.

    Each unit then counts as one trial, which is cautious.

    Args:
        value: 0 or 1.
        units: Number of units with an image that counts.
        what: What the units are.
    """
    low, high = wilson(units if value else 0, units)
    return {"low": low, "high": high, "method": WILSON_UNITS.format(what)}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
