"""Cells of the tables of compared runs that all tasks share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from brainseg.results.comparison import EvaluatedRun
from brainseg.results.comparison_wording import TestedPair, evaluated_on
from brainseg.results.run_wording import model_words
from brainseg.runs import FINAL

NO_EPOCHS, NOT_MEASURED, NOT_DEFINED = "—", "not measured", "not defined"


def number(value: float | None) -> float:
    """Return a number; NaN where it is not known."""
    return math.nan if value is None else float(value)


def tested(pair: TestedPair) -> dict[str, str]:
    """Return the first columns of every table of paired tests: the two runs, and whether the test separates them."""
    return {
        "First": pair.first,
        "Second": pair.second,
        "Test": "separated" if pair.better else "not separated",
    }


def run_identity(letter: str, name: str, evaluated: EvaluatedRun[Any]) -> dict[str, Any]:
    """Return the first columns of every table of runs: what the run is and what it was evaluated on."""
    return {
        "run": name,
        "id": evaluated.run.id,
        "model": model_words(evaluated.run),
        "images": letter,
        "evaluated_on": evaluated_on(evaluated.run, evaluated.report),
        "split": evaluated.run.config.data.split,
    }


def run_words(table: pd.DataFrame) -> dict[str, Any]:
    """Return the first columns of every table of runs in words; the set only where there are several."""
    shown = {"Run": table["run"], "Model": table["model"]}
    return {**shown, "Set": table["images"]} if table["images"].nunique() > 1 else shown


def metric_numbers(
    values: Mapping[str, float | None], intervals: Mapping[str, tuple[float, float] | None]
) -> dict[str, float]:
    """Return each metric with the bounds of its interval in the columns `_low` and `_high`; NaN where not defined."""
    found: dict[str, float] = {}
    for metric, value in values.items():
        low, high = intervals.get(metric) or (None, None)
        found |= {metric: number(value), f"{metric}_low": number(low), f"{metric}_high": number(high)}
    return found


def costs(evaluated: EvaluatedRun[Any]) -> dict[str, Any]:
    """Return the costs of a run's model: size and times; NaN for what was not measured."""
    found = {
        cost: number(evaluated.run.metrics.get(FINAL + cost)) for cost in ("parameters", "diagnosis_ms", "bundle_mb")
    }
    found["seconds_per_epoch"] = number(None if evaluated.epochs is None else evaluated.epochs["seconds"].mean())
    return {**found, "has_epochs": evaluated.epochs is not None}


def cost_words(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns of `costs` with their units."""
    epochs = zip(table["seconds_per_epoch"], table["has_epochs"], strict=True)
    return {
        "Parameters": [measured_words(value / 1e6, "M") for value in table["parameters"]],
        "Seconds per epoch": [measured_words(value, "s") if known else NO_EPOCHS for value, known in epochs],
        "Per diagnosis": [measured_words(value, "ms") for value in table["diagnosis_ms"]],
        "Bundle": [measured_words(value, "MB") for value in table["bundle_mb"]],
    }


COSTS = {
    "Parameters (M)": "parameters",
    "Seconds per epoch": "seconds_per_epoch",
    "Per diagnosis (ms)": "diagnosis_ms",
    "Bundle (MB)": "bundle_mb",
}
"""Title of a column on the page -> column in `costs`."""
HELP = {
    "Parameters (M)": "Weights of the network, in millions.",
    "Per diagnosis (ms)": "Time for one image, on the machine that trained the run.",
    "Bundle (MB)": "Size of the stored model: its weights and its description.",
}


def cost_numbers(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns of `costs` as numbers, with their units in the titles; NaN for what was not measured."""
    scale = {"parameters": 1e6}
    return {title: table[name] / scale.get(name, 1) for title, name in COSTS.items()}


def with_interval(table: pd.DataFrame, name: str) -> list[str]:
    """Return the column of a score in words, with its interval from the columns `_low` and `_high`."""
    columns = table[[name, f"{name}_low", f"{name}_high"]]
    return [_score(*values) for values in columns.itertuples(index=False)]


def _score(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return NOT_DEFINED
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} ({low:.3f}–{high:.3f})"


def measured_words(value: float, unit: str) -> str:
    """Write a cost with three significant digits; from 100 on, as a whole number."""
    if math.isnan(value):
        return NOT_MEASURED
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def difference(value: float, interval: tuple[float, float] | None) -> str:
    """Write a difference with its sign and, if there is one, its interval."""
    if math.isnan(value):
        return NOT_DEFINED
    return _signed(value) + (f" ({_signed(interval[0])} to {_signed(interval[1])})" if interval else "")


def difference_numbers(value: float, interval: tuple[float, float] | None, what: str) -> dict[str, float]:
    """Return a difference and its 95 % interval as columns of numbers; NaN for what is not defined."""
    low, high = interval or (math.nan, math.nan)
    return {f"Difference in {what}": value, "95 % low": low, "95 % high": high}


def _signed(value: float) -> str:
    text = f"{value:+.3f}"
    return "0.000" if text[1:] == "0.000" else text.replace("-", "−")


def p_value(value: float) -> str:
    """Write a p-value; values below 0.001 only as such, since they are not more exact."""
    return "under 0.001" if value < 0.001 else f"{value:.3f}"
