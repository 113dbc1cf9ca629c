"""Rows of `benchmarks.crossval` from pooled out-of-fold predictions, which are stored beside the rows.

With the predictions, two networks can be compared image by image, and the mean of several networks' probabilities is a
row of its own, without training again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rows import FOLDER, Rows
from brainseg.evaluation.calibration.fit import calibrate
from brainseg.evaluation.checks import probabilities
from brainseg.evaluation.comparison import align
from brainseg.evaluation.crossval.classes import pooled_classes
from brainseg.evaluation.ensemble import prediction_table
from brainseg.evaluation.paired import compare_pairs
from brainseg.models.ensemble import mean_probabilities

SPLITS = ("random", "exact", "near")
KEY = ("data", "arch", "weights", "head", "settings", "split", "seed")
ROWS = Rows("crossval", KEY)
RECIPES = {
    "concat-pool": "fine-tuned",
    "local": "fine-tuned, local head",
    "logistic": "frozen features, logistic",
    "svm": "frozen features, SVM",
}
_FACTS = ["path", "group", "sha256", "repeat", "fold", "unit"]
_DIGITS = 6
"""Decimals of stored probabilities."""


def summarised(table: pd.DataFrame, classes: Sequence[str], positive: str | None) -> dict[str, Any]:
    """Return the metrics of pooled predictions, their intervals, and the calibration before and after one temperature.

    Args:
        table: From `evaluation.crossval.pooling.pool`.
        classes: All class names.
        positive: The positive class, or None.
    """
    pooled = pooled_classes(table, classes, positive)
    copies = np.zeros(len(table), dtype=bool)
    found = calibrate(table, classes, positive, table["unit"].to_numpy(), copies, "out-of-fold")
    before, after = found["before"], found["after"]
    correct = table["prediction"] == table["label"]
    return {
        "classes": list(classes), "positive": positive, "count": pooled["count"], "units": pooled["units"],
        "metrics": pooled["metrics"], "intervals": pooled["intervals"],
        "fold_accuracy": correct.groupby(table["fold"]).mean().round(4).tolist(),
        "ece": [each["ece"] if each else None for each in (before, after)],
        "nll": [each["nll"] if each else None for each in (before, after)],
    }  # fmt: skip


def add(row: dict[str, Any], table: pd.DataFrame) -> None:
    """Store a row and its predictions."""
    file = _file(row)
    file.parent.mkdir(exist_ok=True)
    shares = [f"p_{name}" for name in row["classes"]]
    table[[*_FACTS, "label", *shares]].round(dict.fromkeys(shares, _DIGITS)).to_csv(file, index=False)
    ROWS.add(row)


def predictions(row: dict[str, Any]) -> pd.DataFrame:
    """Return the stored out-of-fold predictions of a row."""
    stored = pd.read_csv(_file(row), dtype=dict.fromkeys(["path", "group", "sha256", "label"], str), na_filter=False)
    values = stored[[f"p_{name}" for name in row["classes"]]].to_numpy()
    found = prediction_table(stored, values / values.sum(axis=1, keepdims=True), row["classes"])
    return found.assign(**{fact: stored[fact] for fact in _FACTS})


def _file(row: dict[str, Any]) -> Path:
    parts = [row["data"], row["arch"], row["head"], row["split"], str(row["seed"])]
    return FOLDER / "crossval" / ("-".join(parts).replace(" + ", "+") + ".csv")


def add_means() -> None:
    """Store the mean of all networks that were measured with the same data, recipe and folds, where there are two."""
    rows = [row for row in ROWS.stored() if "+" not in row["arch"]]
    for (data, head, split, seed), members in _alike(rows, ("data", "head", "split", "seed")):
        if len(members) < 2:
            continue
        arch, weights = (" + ".join(row[field] for row in members) for field in ("arch", "weights"))
        if ROWS.has(data, arch, weights, head, members[0]["settings"], split, seed):
            continue
        tables = [predictions(row) for row in members]
        if any(not tables[0][_FACTS].equals(table[_FACTS]) for table in tables[1:]):
            raise SystemExit(f"{data}, {head}, {split}: the folds of the networks differ.")
        classes = members[0]["classes"]
        mean = mean_probabilities(np.array([probabilities(table, classes) for table in tables]))
        table = prediction_table(tables[0], mean, classes).assign(**{fact: tables[0][fact] for fact in _FACTS})
        row = {"data": data, "arch": arch, "weights": weights, "head": head, "settings": members[0]["settings"]}
        row |= {"split": split, "seed": seed, "folds": members[0]["folds"]}
        add(row | summarised(table, classes, members[0]["positive"]), table)


def _alike(rows: list[dict[str, Any]], fields: tuple[str, ...]) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Return the rows that share these fields, by network."""

    def shared(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[field] for field in fields)

    ordered = sorted(rows, key=lambda row: (*shared(row), row["arch"], row["head"]))
    return [(key, list(group)) for key, group in groupby(ordered, shared)]


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the rows out as two Markdown tables: each row, and every two rows with the same folds side by side."""
    lines = [
        "| data | network, recipe | folds | images, units | accuracy, pooled (95 % interval) | mean of folds ± SD "
        "| sensitivity | specificity | ROC AUC | calibration error, before → after | loss, before → after |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    order = sorted(rows, key=lambda row: (row["data"], row["head"], row["arch"], SPLITS.index(row["split"])))
    for row in order:
        metrics, interval = row["metrics"], row["intervals"]["accuracy"]
        bounds = f" ({interval['low']:.3f} to {interval['high']:.3f})" if interval else ""
        shares = row["fold_accuracy"]
        lines.append(
            f"| {row['data']} | {_name(row)} | {row['split']} | {row['count']}, {row['units']} "
            f"| {metrics['accuracy']:.3f}{bounds} | {np.mean(shares):.3f} ± {np.std(shares, ddof=1):.3f} "
            f"| {_number(metrics['sensitivity'])} | {_number(metrics['specificity'])} | {_number(metrics['roc_auc'])} "
            f"| {_pair(row['ece'])} | {_pair(row['nll'])} |"
        )
    return "\n".join([*lines, "", *_pairs(rows)])


def _pairs(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| data | folds | first | second | only first, only second correct | difference (95 % interval) "
        "| p, adjusted | smallest difference likely to be shown |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (data, split, _), members in _alike(rows, ("data", "split", "seed")):
        aligned = align({_name(row): predictions(row) for row in members})
        for pair in compare_pairs(aligned, [_name(row) for row in members]):
            smallest = "–" if pair.smallest is None else f"{pair.smallest:.3f}"
            lines.append(
                f"| {data} | {split} | {pair.first} | {pair.second} | {pair.only_first}, {pair.only_second} "
                f"| {pair.difference:+.3f} ({pair.interval[0]:+.3f} to {pair.interval[1]:+.3f}) "
                f"| {pair.adjusted:.3f} | {smallest} |"
            )
    return lines


def _name(row: dict[str, Any]) -> str:
    return f"{row['arch']}, {RECIPES[row['head']]}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _pair(values: list[float | None]) -> str:
    return f"{_number(values[0])} → {_number(values[1])}"
