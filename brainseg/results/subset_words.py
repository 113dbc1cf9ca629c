"""Metrics on subsets in words, the same on the page and in the command."""

from __future__ import annotations

import pandas as pd

from brainseg.evaluation.paired import SIGNIFICANT
from brainseg.results.comparison_cells import p_value
from brainseg.results.leak_words import metric_words
from brainseg.results.subsets import FEW, Subset, SubsetReport, SubsetsOfColumn
from brainseg.tasks import facts_of

NAMES = {"label": "true class", "group": "patient", "split": "part of the split"}
"""Column -> its name for readers, where the two differ."""


METRICS = {"accuracy": "Accuracy", "dice": "Dice"}


def column_words(column: str) -> str:
    """Return the name of a column for readers.

    >>> column_words("spacing_mm"), column_words("label")
    ('spacing mm', 'true class')
    """
    return NAMES.get(column, column.replace("_", " "))


def subset_sentences(report: SubsetReport) -> list[str]:
    """Return what may be concluded from the subsets: how many gaps were tested, and which of them stand out."""
    facts = facts_of(report["task"])
    whole = report["all_images"]
    sentences = [f"All {whole['count']:,} evaluated {facts.units}: {metric_words(whole)}."]
    if not report["columns"]:
        return [*sentences, f"No property divides the evaluated {facts.units} into subsets."]
    sentences.append(
        f"The gap is the {facts.headline_words} on a subset minus that on all other {facts.units}. "
        f"{report['tests']:,} gaps were tested together, so Holm's adjustment raises their p-values: without it, one "
        "gap in twenty would look real by chance."
    )
    sentences.append(_outstanding(report))
    if any(subset["few"] for column in report["columns"] for subset in column["subsets"]):
        sentences.append(
            f"Subsets marked 'few', or the {facts.units} they are compared with, are of fewer than {FEW} independent "
            "patients or images: their intervals are too narrow or very wide, and only large gaps can be seen."
        )
    if report["units"] < whole["count"] and whole["name"] == "accuracy":
        sentences.append(
            f"The {whole['count']:,} images are of {report['units']:,} independent patients or images. The gaps allow "
            "for that; the intervals of the accuracies do not and are too narrow."
        )
    sentences.append(
        "A gap does not name its cause: subsets may differ in other respects, too, such as their tumours or patients."
    )
    return sentences


def _outstanding(report: SubsetReport) -> str:
    found = [
        f"{column_words(column['column'])} {subset['name']} ({subset['gap']:+.3f})"
        for column in report["columns"]
        for subset in column["subsets"]
        if subset["adjusted"] is not None and subset["adjusted"] < SIGNIFICANT and subset["gap"] is not None
    ]
    if not found:
        return "After the adjustment, no gap stands out from chance; that does not show that there is none."
    return f"Gaps that stand out after the adjustment: {'; '.join(found)}."


def subset_words(subset: Subset) -> str:
    """Return one subset with its metric, its gap and its p-values."""
    parts = [metric_words(subset["metric"])]
    if subset["gap"] is not None:
        bounds = subset["gap_interval"]
        interval = f" (95 % interval {bounds[0]:+.3f} to {bounds[1]:+.3f})" if bounds else ""
        parts.append(f"gap {subset['gap']:+.3f}{interval}")
    if subset["p"] is not None and subset["adjusted"] is not None:
        parts.append(f"p {p_value(subset['p'])}, p (Holm) {p_value(subset['adjusted'])}")
    return "; ".join([*parts, *(["few"] if subset["few"] else [])])


def unknown_words(column: SubsetsOfColumn, units: str) -> str:
    """Return how many images a property is not known for; "" if it is known for all.

    >>> unknown_words({"column": "plane", "unknown": 3, "method": "", "subsets": []}, "images")
    '3 images without it are left out'
    """
    return f"{column['unknown']:,} {units} without it are left out" if column["unknown"] else ""


def subsets_table(report: SubsetReport) -> pd.DataFrame:
    """Return one row per subset: numbers that a page can sort, and a CSV file can hold."""
    rows = []
    for column in report["columns"]:
        for subset in column["subsets"]:
            low, high = subset["metric"]["interval"] or (None, None)
            gap_low, gap_high = subset["gap_interval"] or (None, None)
            rows.append(
                {
                    "Property": column_words(column["column"]),
                    "Subset": subset["name"],
                    "n": subset["metric"]["count"],
                    "Few": subset["few"],
                    METRICS[subset["metric"]["name"]]: subset["metric"]["value"],
                    "95 % low": low,
                    "95 % high": high,
                    "Gap": subset["gap"],
                    "Gap, 95 % low": gap_low,
                    "Gap, 95 % high": gap_high,
                    "p": subset["p"],
                    "p (Holm)": subset["adjusted"],
                    "Independent": subset["units"],
                }
            )
    return pd.DataFrame(rows)
