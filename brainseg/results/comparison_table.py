"""The tables of a comparison: numbers to keep, and the same in words for readers."""

from __future__ import annotations

import pandas as pd

from brainseg.results.by_task import results_of
from brainseg.results.comparison import Comparison
from brainseg.results.comparison_cells import cost_numbers, cost_words
from brainseg.results.comparison_wording import evaluated_on

OTHER_FOLDS = (
    "Cross-validations share a set only if their folds are the same, too: give them the same data.seed, folds, repeats "
    "and data.grouped_folds."
)


def crossval_lines(comparison: Comparison) -> list[str]:
    """Return what is compared of cross-validations, one sentence per line; empty for other runs."""
    plans = [evaluated.run.plan for evaluated in comparison.runs.values() if evaluated.run.plan]
    if not plans:
        return []
    lines = [
        "Cross-validations are compared on their pooled out-of-fold predictions. The tests do not cover that training "
        "on other images gives other models."
    ]
    if any(plan.repeats > 1 for plan in plans):
        lines.append("Of several repeats, the first is compared: repeats add no images.")
    return lines


def runs_table(comparison: Comparison) -> pd.DataFrame:
    """Return one row per run: its name, what it was evaluated on, its metrics with 95 % intervals, and its costs.

    Proportions are 0..1; what is not defined or was not measured is NaN.
    """
    row = results_of(comparison.task).run_row
    return pd.DataFrame([row(comparison.letter(name), name, evaluated) for name, evaluated in comparison.runs.items()])


def runs_in_words(comparison: Comparison) -> pd.DataFrame:
    """Return `runs_table` for readers: each metric with its interval, each cost with its unit."""
    return results_of(comparison.task).runs_in_words(runs_table(comparison))


def runs_shown(comparison: Comparison) -> pd.DataFrame:
    """Return `runs_table` for a page: as `runs_in_words`, with costs as numbers that the page can sort."""
    table = runs_table(comparison)
    return runs_in_words(comparison).drop(columns=list(cost_words(table))).assign(**cost_numbers(table))


def for_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `runs_table` without the column that only the page needs."""
    return table.drop(columns="has_epochs")


def group_lines(comparison: Comparison) -> list[str]:
    """Return which runs can be compared with each other, one sentence per line; empty where all share their images."""
    if len(comparison.groups) < 2:
        return []
    lines = [results_of(comparison.task).not_comparable]
    if any(evaluated.run.kind == "crossval" for evaluated in comparison.runs.values()):
        lines[0] += " " + OTHER_FOLDS
    for letter, names in comparison.groups.items():
        first = comparison.runs[names[0]]
        lines.append(f"Set {letter}, {evaluated_on(first.run, first.report)}: {', '.join(names)}.")
    return lines
