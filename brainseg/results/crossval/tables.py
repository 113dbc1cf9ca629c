"""The folds and the metrics of a cross-validation as tables for pages."""

from __future__ import annotations

from typing import Any

import pandas as pd
from plotly.graph_objects import Figure

from brainseg.plots.fold_metrics import folds_figure
from brainseg.results.by_task import results_of
from brainseg.results.crossval.choices import settings_words
from brainseg.results.crossval.result import CrossvalResult
from brainseg.results.run_wording import STATES

MISSING = "no run"


def folds_table(result: CrossvalResult) -> pd.DataFrame:
    """Return one row per fold: `Repeat`, `Fold`, `State`, `Run` (its name) and its metrics; NaN where not known."""
    names = results_of(result.parent.config.task).crossval.names
    rows: list[dict[str, Any]] = [
        {
            "Repeat": fold.repeat,
            "Fold": fold.fold,
            "State": STATES[fold.run.status][0] if fold.run else MISSING,
            "Run": fold.run.name if fold.run else "",
            **{words: fold.metrics[name] if fold.metrics else None for name, words in names.items()},
        }
        for fold in result.folds
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(names.values(), "float64"))


def choices_table(result: CrossvalResult) -> pd.DataFrame:
    """Return one row per fold of a nested cross-validation: `Repeat`, `Fold`, `Chosen`, and each candidate's mean."""
    rows = [
        {"Repeat": made["repeat"], "Fold": made["fold"], "Chosen": settings_words(made["winner"]), **made["means"]}
        for made in result.choices
    ]
    return pd.DataFrame(rows)


def metrics_table(result: CrossvalResult) -> pd.DataFrame:
    """Return one row per metric of a complete cross-validation: mean, deviation and pooled value, with intervals."""
    rows = []
    for name, words in results_of(result.parent.config.task).crossval.names.items():
        summary = result.summaries[name]
        pooled = result.pooled["intervals"][name] if result.pooled else None
        low, high = summary.interval or (None, None)
        rows.append(
            {
                "Metric": words,
                "Mean of folds": summary.mean,
                "Standard deviation": summary.sd,
                "Mean, 95 % low": low,
                "Mean, 95 % high": high,
                "Pooled": result.pooled["metrics"][name] if result.pooled else None,
                "Pooled, 95 % low": pooled["low"] if pooled else None,
                "Pooled, 95 % high": pooled["high"] if pooled else None,
                "Interval of the pooled metric": pooled["method"] if pooled else "none",
            }
        )
    return pd.DataFrame(rows)


def folds_plot(result: CrossvalResult, *, dark: bool = False) -> Figure:
    """Draw the folds of a complete cross-validation."""
    names = results_of(result.parent.config.task).crossval.names
    pooled = result.pooled["metrics"] if result.pooled else {}
    intervals = result.pooled["intervals"] if result.pooled else {}
    bounds = {name: (each["low"], each["high"]) if each else None for name, each in intervals.items()}
    repeated = any(fold.repeat for fold in result.folds)
    return folds_figure(
        {
            words: [fold.metrics[name] if fold.metrics else None for fold in result.folds]
            for name, words in names.items()
        },
        {words: (result.summaries[name].mean, result.summaries[name].interval) for name, words in names.items()},
        {words: (pooled.get(name), bounds.get(name)) for name, words in names.items()},
        [f"repeat {fold.repeat}, fold {fold.fold}" if repeated else f"fold {fold.fold}" for fold in result.folds],
        dark=dark,
    )
