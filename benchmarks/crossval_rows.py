"""Rows of `benchmarks.crossval` from pooled out-of-fold predictions, which are stored beside the rows.

With the predictions, two networks can be compared image by image, and the mean of several networks' probabilities is a
row of its own, without training again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rows import FOLDER, Rows
from brainseg.evaluation.calibration.fit import calibrate
from brainseg.evaluation.checks import probabilities
from brainseg.evaluation.comparison import align
from brainseg.evaluation.crossval.classes import pooled_classes
from brainseg.evaluation.ensemble import prediction_table
from brainseg.evaluation.paired import Pair, compare_pairs
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
RESEEDED = "training.seed="
"""Start of the setting of a network that was trained again; its folds are those of `--seed`."""
_FACTS = ["path", "group", "sha256", "repeat", "fold", "unit"]
_DIGITS, _HASH = 6, 16
"""Decimals of stored probabilities, and digits of the hashes that tell images apart."""


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


def short_name(row: dict[str, Any]) -> str:
    """Return a name for a row that no other row has: readable, with a digest of the settings."""
    digest = hashlib.sha256(json.dumps(row["settings"]).encode()).hexdigest()[:6]
    parts = [row["data"], row["arch"].replace(" + ", "+"), row["head"], row["split"], str(row["seed"]), digest]
    return "-".join(parts)


def add(row: dict[str, Any], table: pd.DataFrame) -> None:
    """Store a row and its predictions."""
    row["predictions"] = f"{short_name(row)}.csv"
    file = FOLDER / "crossval" / row["predictions"]
    file.parent.mkdir(exist_ok=True)
    shares = [f"p_{name}" for name in row["classes"]]
    kept = table[[*_FACTS, "label", *shares]].assign(sha256=table["sha256"].str[:_HASH])
    kept.round(dict.fromkeys(shares, _DIGITS)).to_csv(file, index=False)
    ROWS.add(row)


def predictions(row: dict[str, Any]) -> pd.DataFrame:
    """Return the stored out-of-fold predictions of a row."""
    texts = dict.fromkeys(["path", "group", "sha256", "label"], str)
    stored = pd.read_csv(FOLDER / "crossval" / row["predictions"], dtype=texts, na_filter=False)
    values = stored[[f"p_{name}" for name in row["classes"]]].to_numpy()
    found = prediction_table(stored, values / values.sum(axis=1, keepdims=True), row["classes"])
    return found.assign(**{fact: stored[fact] for fact in _FACTS})


def add_means() -> None:
    """Store the mean of the networks that were measured with the same data, recipe and folds, where there are two.

    Networks that were trained again from another `training.seed` join a second mean, of all trainings.
    """
    single = [row for row in ROWS.stored() if " + " not in row["arch"]]
    for _, members in _alike(single, ("data", "head", "split", "seed")):
        _add_mean([row for row in members if not _reseeded(row)])
        if any(_reseeded(row) for row in members):
            _add_mean(members)


def _reseeded(row: dict[str, Any]) -> bool:
    return any(setting.startswith(RESEEDED) for setting in row["settings"])


def _add_mean(members: list[dict[str, Any]]) -> None:
    if len(members) < 2:
        return
    first = members[0]
    row: dict[str, Any] = {
        "data": first["data"],
        "arch": " + ".join(row["arch"] for row in members),
        "weights": " + ".join(dict.fromkeys(row["weights"] for row in members)),
        "head": first["head"],
        "settings": [setting for setting in first["settings"] if not setting.startswith(RESEEDED)],
        "split": first["split"],
        "seed": first["seed"],
    }
    if ROWS.has(*(row[field] for field in KEY)):
        return
    tables = [predictions(row) for row in members]
    if any(not tables[0][_FACTS].equals(table[_FACTS]) for table in tables[1:]):
        raise SystemExit(f"{first['data']}, {first['head']}, {first['split']}: the folds of the networks differ.")
    classes = first["classes"]
    mean = mean_probabilities(np.array([probabilities(table, classes) for table in tables]))
    table = prediction_table(tables[0], mean, classes).assign(**{fact: tables[0][fact] for fact in _FACTS})
    add({**row, "folds": first["folds"], **summarised(table, classes, first["positive"])}, table)


def _alike(rows: list[dict[str, Any]], fields: tuple[str, ...]) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Return the rows that share these fields, by network."""

    def shared(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[field] for field in fields)

    ordered = sorted(rows, key=lambda row: (*shared(row), row["arch"], row["head"]))  # otherwise as given
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
    """Compare networks and recipes on the same folds, and the kinds of folds for one network and recipe."""
    lines = [
        "| data | first | second | correct: only first, only second | difference (95 % interval) | p, adjusted "
        "| smallest difference likely to be shown |",
        "|---|---|---|---|---|---|---|",
    ]
    single = [row for row in rows if " + " not in row["arch"] and not _reseeded(row)]
    # The units of the near folds come first: they count for both kinds of folds.
    single = sorted(single, key=lambda row: -SPLITS.index(row["split"]))
    for fields in (("data", "split", "seed"), ("data", "arch", "head", "seed")):
        for (data, *_), members in _alike(single, fields):
            names = [f"{_name(row)}, {row['split']}" for row in members]
            aligned = align({name: predictions(row) for name, row in zip(names, members, strict=True)})
            lines += [_pair_line(data, pair) for pair in compare_pairs(aligned, names)]
    return lines


def _pair_line(data: str, pair: Pair) -> str:
    smallest = "–" if pair.smallest is None else f"{pair.smallest:.3f}"
    low, high = pair.interval
    return (
        f"| {data} | {pair.first} | {pair.second} | {pair.only_first}, {pair.only_second} "
        f"| {pair.difference:+.3f} ({low:+.3f} to {high:+.3f}) | {pair.adjusted:.3f} | {smallest} |"
    )


def _name(row: dict[str, Any]) -> str:
    again = "".join(f", {setting}" for setting in row["settings"] if setting.startswith(RESEEDED))
    return f"{row['arch']}, {RECIPES[row['head']]}{again}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _pair(values: list[float | None]) -> str:
    return f"{_number(values[0])} → {_number(values[1])}"
