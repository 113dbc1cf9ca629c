"""The tables of a comparison: numbers to keep, and the same in words for readers."""

from __future__ import annotations

import pandas as pd

from brainseg.results.by_task import results_of
from brainseg.results.comparison import Comparison
from brainseg.results.comparison_cells import cost_numbers, cost_words
from brainseg.results.comparison_wording import evaluated_on


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
    for letter, names in comparison.groups.items():
        first = comparison.runs[names[0]]
        lines.append(f"Set {letter}, {evaluated_on(first.run, first.report)}: {', '.join(names)}.")
    return lines
