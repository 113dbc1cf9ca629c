"""The tables of compared classifiers: numbers to keep, and the same in words for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from brainseg.diagnosis.calibrated import write_value
from brainseg.diagnosis.words import percent
from brainseg.evaluation.paired import Pair
from brainseg.evaluation.stored import ClassificationEvaluation, metric
from brainseg.results.comparison import EvaluatedRun
from brainseg.results.comparison_cells import (
    NOT_DEFINED,
    cost_words,
    costs,
    difference,
    difference_numbers,
    metric_numbers,
    number,
    p_value,
    run_identity,
    run_words,
    tested,
    with_interval,
)
from brainseg.results.comparison_wording import caveats

PROPORTIONS = ("accuracy", "sensitivity", "specificity")


def run_row(letter: str, name: str, evaluated: EvaluatedRun[ClassificationEvaluation]) -> dict[str, Any]:
    """Return a run's row: what it is, what it was evaluated on, its metrics with 95 % intervals, and its costs."""
    report = evaluated.report
    return {
        **run_identity(letter, name, evaluated),
        "count": report["count"],
        **metric_numbers({name: metric(report, name) for name in PROPORTIONS}, report["intervals"]),
        "roc_auc": number(report["roc_auc"]),
        **costs(evaluated),
        "notes": caveats(report),
    }


def runs_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of runs for readers: each proportion with its interval, each cost with its unit."""
    shown = {**run_words(table), "n": table["count"]}
    for name in PROPORTIONS:
        shown[name.capitalize()] = with_interval(table, name)
    shown["AUC"] = [NOT_DEFINED if math.isnan(value) else f"{value:.3f}" for value in table["roc_auc"]]
    return pd.DataFrame({**shown, **cost_words(table)})


def pairs_in_words(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return one row per pair of runs: the result of their paired test."""
    return pd.DataFrame(
        {
            **tested(pair),
            "Difference in accuracy": difference(pair.difference, pair.interval),
            "Only first right": f"{pair.only_first} of {pair.count}",
            "Only second right": f"{pair.only_second} of {pair.count}",
            "p": p_value(pair.p),
            "p (Holm)": p_value(pair.adjusted),
            "Same answer": percent(pair.agreement) if pair.agreement < 1 else "100 %",
            "Cohen's kappa": NOT_DEFINED if math.isnan(pair.kappa) else f"{pair.kappa:.2f}",
            "Smallest difference": "none" if pair.smallest is None else f"{pair.smallest:.3f}",
            "Images needed": "–" if pair.needed is None else f"{pair.needed:,}",
        }
        for pair in pairs
    )


def pairs_shown(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return `pairs_in_words` for a page: everything but the test as numbers that the page can sort."""
    return pd.DataFrame(
        {
            **tested(pair),
            **difference_numbers(pair.difference, pair.interval, "accuracy"),
            "Only first correct": pair.only_first,
            "Only second correct": pair.only_second,
            "Images": pair.count,
            "p": pair.p,
            "p (Holm)": pair.adjusted,
            "Same answer (%)": 100 * pair.agreement,
            "Cohen's kappa": pair.kappa,
            "Smallest difference": math.nan if pair.smallest is None else pair.smallest,
            "Images needed": math.nan if pair.needed is None else pair.needed,
        }
        for pair in pairs
    )


def disagreements_in_words(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return one row per image: its class, and the class that each run predicted with its score."""
    shown: dict[str, Any] = {"Image": rows["path"], "Actual": rows["label"]}
    for name in names:
        shown[name] = [
            f"{label} {write_value(probability)}" + (" ✓" if label == actual else " ✗")
            for label, probability, actual in zip(
                rows[f"prediction {name}"], rows[f"probability {name}"], rows["label"], strict=True
            )
        ]
    return pd.DataFrame(shown)
