"""The tables of compared segmentations: numbers to keep, and the same in words for readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from brainseg.evaluation.segmentation.paired import MaskPair
from brainseg.evaluation.stored import SegmentationEvaluation, score
from brainseg.results.comparison import EvaluatedRun
from brainseg.results.comparison_cells import (
    cost_words,
    costs,
    difference,
    difference_numbers,
    metric_numbers,
    p_value,
    run_identity,
    run_words,
    tested,
    with_interval,
)
from brainseg.results.comparison_wording import caveats

SCORES = {
    "dice": "Dice, all pixels",
    "slice_dice": "Dice, mean of slices",
    "patient_dice": "Dice, mean of patients",
    "detection_sensitivity": "Slice sensitivity",
    "detection_specificity": "Slice specificity",
}


def run_row(letter: str, name: str, evaluated: EvaluatedRun[SegmentationEvaluation]) -> dict[str, Any]:
    """Return a run's row: what it is, what it was evaluated on, its scores with 95 % intervals, and its costs."""
    report = evaluated.report
    values = {name: score(report, name) for name in SCORES}
    return {
        **run_identity(letter, name, evaluated),
        "count": report["slices"],
        "patients": report["patients"] if report["unit"] == "patient" else None,
        **metric_numbers(values, report["intervals"]),
        **costs(evaluated),
        "notes": caveats(report),
    }


def runs_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of runs for readers: each score with its interval, each cost with its unit."""
    shown = {**run_words(table), "Slices": table["count"]}
    shown["Patients"] = ["not known" if pd.isna(count) else f"{count:.0f}" for count in table["patients"]]
    shown |= {title: with_interval(table, score) for score, title in SCORES.items()}
    return pd.DataFrame({**shown, **cost_words(table)})


def pairs_in_words(pairs: Sequence[MaskPair]) -> pd.DataFrame:
    """Return one row per pair of runs: the result of their paired test."""
    return pd.DataFrame(
        {
            **tested(pair),
            "Difference in mean Dice": difference(pair.difference, pair.interval),
            "First ahead": f"{pair.first_ahead} of {pair.patients}",
            "Second ahead": f"{pair.second_ahead} of {pair.patients}",
            "p": p_value(pair.p),
            "p (Holm)": p_value(pair.adjusted),
        }
        for pair in pairs
    )


def pairs_shown(pairs: Sequence[MaskPair]) -> pd.DataFrame:
    """Return `pairs_in_words` for a page: everything but the test as numbers that the page can sort."""
    return pd.DataFrame(
        {
            **tested(pair),
            **difference_numbers(pair.difference, pair.interval, "mean Dice"),
            "First ahead": pair.first_ahead,
            "Second ahead": pair.second_ahead,
            "Patients": pair.patients,
            "p": pair.p,
            "p (Holm)": pair.adjusted,
        }
        for pair in pairs
    )


def slices_in_words(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return one row per slice: how large its true mask is, and how well each run's mask fits it."""
    shown: dict[str, Any] = {"Slice": rows["path"], "True pixels": rows["true_pixels"]}
    for name in names:
        parts = zip(rows[f"dice {name}"], rows[f"predicted_pixels {name}"], rows["true_pixels"], strict=True)
        shown[name] = [fit_words(*values) for values in parts]
    return pd.DataFrame(shown)


def fit_words(dice: float, predicted: int, true: int) -> str:
    """Return in words how well a mask fits: its Dice, or that there was no tumour or none was marked."""
    if not true:
        return f"{predicted:,} px marked where none is" if predicted else "nothing marked, rightly"
    return f"Dice {dice:.2f}" if predicted else "nothing marked: missed"
