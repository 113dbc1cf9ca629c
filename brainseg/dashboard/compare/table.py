"""The tables of a comparison: numbers to keep, and the same in words to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from brainseg.dashboard.compare.comparison import Comparison, Judged
from brainseg.dashboard.compare.words import caveats, judged_words
from brainseg.dashboard.words import model_words
from brainseg.diagnosis.words import percent
from brainseg.evaluation.paired import Pair
from brainseg.runs import FINAL

NO_EPOCHS, NOT_MEASURED, NOT_DEFINED = "—", "not measured", "not defined"
SHARES = ("accuracy", "sensitivity", "specificity")


def runs_table(comparison: Comparison) -> pd.DataFrame:
    """Return one row a run: who it is, what it was judged on, its figures with 95 % intervals, and its costs.

    Shares are 0..1; what is not defined or was not measured is NaN.
    """
    return pd.DataFrame([_row(comparison.letter(name), name, judged) for name, judged in comparison.runs.items()])


def _row(letter: str, name: str, judged: Judged) -> dict[str, Any]:
    report, metrics = judged.report, judged.run.metrics
    row: dict[str, Any] = {
        "run": name,
        "id": judged.run.id,
        "model": model_words(judged.run),
        "images": letter,
        "judged_on": judged_words(judged.run, report),
        "split": judged.run.config.data.split,
        "count": report["count"],
    }
    for share in SHARES:
        low, high = report["intervals"].get(share) or (None, None)
        row |= {share: report[share], f"{share}_low": low, f"{share}_high": high}
    row["roc_auc"] = report["roc_auc"]
    for cost in ("parameters", "diagnosis_ms", "bundle_mb"):
        row[cost] = metrics.get(FINAL + cost)
    row["seconds_per_epoch"] = None if judged.epochs is None else judged.epochs["seconds"].mean()
    row["has_epochs"] = judged.epochs is not None
    row["notes"] = caveats(report)
    numbers = [*SHARES, "roc_auc", "parameters", "diagnosis_ms", "bundle_mb", "seconds_per_epoch"]
    numbers += [f"{share}_{bound}" for share in SHARES for bound in ("low", "high")]
    return {key: _number(value) if key in numbers else value for key, value in row.items()}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def runs_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of runs as it is shown: every share with its interval, every cost with its unit."""
    several = table["images"].nunique() > 1
    shown = {"Run": table["run"], "Model": table["model"]}
    if several:
        shown["Set"] = table["images"]
    shown["n"] = table["count"]
    for share in SHARES:
        columns = table[[share, f"{share}_low", f"{share}_high"]]
        shown[share.capitalize()] = [_share(*values) for values in columns.itertuples(index=False)]
    shown["AUC"] = [NOT_DEFINED if math.isnan(value) else f"{value:.3f}" for value in table["roc_auc"]]
    shown["Parameters"] = [_measured(value / 1e6, "M") for value in table["parameters"]]
    shown["Seconds per epoch"] = [
        _measured(value, "s") if epochs else NO_EPOCHS
        for value, epochs in zip(table["seconds_per_epoch"], table["has_epochs"], strict=True)
    ]
    shown["Per diagnosis"] = [_measured(value, "ms") for value in table["diagnosis_ms"]]
    shown["Bundle"] = [_measured(value, "MB") for value in table["bundle_mb"]]
    return pd.DataFrame(shown)


def _share(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return NOT_DEFINED
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} ({low:.3f}–{high:.3f})"


def _measured(value: float, unit: str) -> str:
    """Write a cost with three digits that count; a whole number keeps all of its own."""
    if math.isnan(value):
        return NOT_MEASURED
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def for_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `runs_table` without what only the page needs."""
    return table.drop(columns="has_epochs")


def pairs_in_words(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return one row a pair of runs: what the paired test says of them."""
    return pd.DataFrame(
        {
            "First": pair.first,
            "Second": pair.second,
            "Test": "separated" if pair.better else "not separated",
            "Difference in accuracy": _difference(pair),
            "Only first right": f"{pair.only_first} of {pair.count}",
            "Only second right": f"{pair.only_second} of {pair.count}",
            "p": _p(pair.p),
            "p (Holm)": _p(pair.adjusted),
            "Same answer": percent(pair.agreement) if pair.agreement < 1 else "100 %",
            "Cohen's kappa": NOT_DEFINED if math.isnan(pair.kappa) else f"{pair.kappa:.2f}",
        }
        for pair in pairs
    )


def _difference(pair: Pair) -> str:
    low, high = pair.interval
    return f"{_signed(pair.difference)} ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    text = f"{value:+.3f}"
    return "0.000" if text[1:] == "0.000" else text.replace("-", "−")


def _p(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"{value:.3f}"


def disagreements_in_words(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return one row an image: what it is, and what each run called it with which probability."""
    shown = {"Image": rows["path"], "Actual": rows["label"]}
    for name in names:
        shown[name] = [
            f"{label} {percent(share)}" + (" ✓" if label == actual else " ✗")
            for label, share, actual in zip(
                rows[f"prediction {name}"], rows[f"probability {name}"], rows["label"], strict=True
            )
        ]
    return pd.DataFrame(shown)
