"""The tables of a comparison: numbers to keep, and the same in words to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from brainseg.diagnosis.words import percent
from brainseg.evaluation.paired import Pair
from brainseg.evaluation.segmentation.paired import MaskPair
from brainseg.results.comparison import Comparison, EvaluatedRun
from brainseg.results.comparison_cells import (
    NOT_DEFINED,
    cost_numbers,
    cost_words,
    costs,
    difference,
    difference_numbers,
    number,
    p_value,
    tested,
    with_interval,
)
from brainseg.results.comparison_wording import caveats, evaluated_on
from brainseg.results.mask_comparison_table import mask_pairs_in_words, mask_row, masks_in_words
from brainseg.results.run_wording import model_words
from brainseg.tasks import facts_of

SHARES = ("accuracy", "sensitivity", "specificity")


def runs_table(comparison: Comparison) -> pd.DataFrame:
    """Return one row per run: its name, what it was evaluated on, its metrics with 95 % intervals, and its costs.

    Shares are 0..1; what is not defined or was not measured is NaN.
    """
    row = mask_row if facts_of(comparison.task).has_masks else _row
    return pd.DataFrame([row(comparison.letter(name), name, evaluated) for name, evaluated in comparison.runs.items()])


def _row(letter: str, name: str, evaluated: EvaluatedRun) -> dict[str, Any]:
    report = evaluated.report
    row: dict[str, Any] = {
        "run": name,
        "id": evaluated.run.id,
        "model": model_words(evaluated.run),
        "images": letter,
        "evaluated_on": evaluated_on(evaluated.run, report),
        "split": evaluated.run.config.data.split,
        "count": report["count"],
    }
    for share in SHARES:
        low, high = report["intervals"].get(share) or (None, None)
        row |= {share: number(report[share]), f"{share}_low": number(low), f"{share}_high": number(high)}
    return {**row, "roc_auc": number(report["roc_auc"]), **costs(evaluated), "notes": caveats(report)}


def runs_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of runs as it is shown: every share with its interval, every cost with its unit."""
    if "dice" in table:
        return masks_in_words(table)
    several = table["images"].nunique() > 1
    shown: dict[str, Any] = {"Run": table["run"], "Model": table["model"]}
    if several:
        shown["Set"] = table["images"]
    shown["n"] = table["count"]
    for share in SHARES:
        shown[share.capitalize()] = with_interval(table, share)
    shown["AUC"] = [NOT_DEFINED if math.isnan(value) else f"{value:.3f}" for value in table["roc_auc"]]
    return pd.DataFrame({**shown, **cost_words(table)})


def runs_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of runs for a page: as `runs_in_words`, with costs as numbers, which sort as such."""
    words = runs_in_words(table)
    return words.drop(columns=list(cost_words(table))).assign(**cost_numbers(table))


def for_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `runs_table` without what only the page needs."""
    return table.drop(columns="has_epochs")


def pairs_table(pairs: Sequence[Pair] | Sequence[MaskPair]) -> pd.DataFrame:
    """Return one row per pair of runs of either task: what the paired test says of them."""
    masks = [pair for pair in pairs if isinstance(pair, MaskPair)]
    return mask_pairs_in_words(masks) if masks else pairs_in_words([pair for pair in pairs if isinstance(pair, Pair)])


def pairs_in_words(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return one row per pair of runs: what the paired test says of them."""
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
        }
        for pair in pairs
    )


def pairs_shown(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return one row per pair of runs for a page: the test in words, everything else as numbers, which sort as such."""
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
        }
        for pair in pairs
    )


def disagreements_in_words(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return one row per image: its class, and what each run called it with which probability."""
    shown: dict[str, Any] = {"Image": rows["path"], "Actual": rows["label"]}
    for name in names:
        shown[name] = [
            f"{label} {percent(share)}" + (" ✓" if label == actual else " ✗")
            for label, share, actual in zip(
                rows[f"prediction {name}"], rows[f"probability {name}"], rows["label"], strict=True
            )
        ]
    return pd.DataFrame(shown)
