"""The main metric of a run on subsets of its evaluated images, and whether it differs from that of all others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from brainseg.datasets.leak_groups import leak_groups
from brainseg.errors import RunError
from brainseg.evaluation.paired import holm
from brainseg.evaluation.stored import Evaluation
from brainseg.evaluation.subset_gaps import Gap
from brainseg.models.validation import Interval
from brainseg.results import stored_results
from brainseg.results.by_task import results_of
from brainseg.results.crossval.reading import complete_result
from brainseg.results.run_files import reading
from brainseg.results.subset_columns import SubsetColumn, SubsetColumns, one_column, subset_columns
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run, RunStore

FEW = 20
"""Independent units below which intervals are too narrow, and most gaps cannot be seen."""


class Subset(TypedDict):
    """One subset.

    Attributes:
        name: Value of the column, or third of a number.
        metric: The main metric on it.
        units: Number of independent units: patients with their copies, or single images.
        few: Whether it or the other images are of fewer than `FEW` units.
        gap: Its metric minus that of all other images; None if one of them is not defined.
        gap_interval: 95 % interval of the gap.
        p: Two-sided p-value of the gap; None if there is no test.
        adjusted: `p` with Holm's adjustment for all gaps that were tested together.
    """

    name: str
    metric: SubsetMetric
    units: int
    few: bool
    gap: float | None
    gap_interval: Interval
    p: float | None
    adjusted: float | None


class SubsetsOfColumn(TypedDict):
    """The subsets by one property.

    Attributes:
        column: Its name.
        unknown: Number of evaluated images for which it is not known; they are left out.
        method: How the gaps were computed.
        subsets: The subsets in order.
    """

    column: str
    unknown: int
    method: str
    subsets: list[Subset]


class SubsetReport(TypedDict):
    """The main metric of a run by subsets.

    Attributes:
        run_id: Id of the run.
        run: Its name.
        task: Its task.
        all_images: The main metric on all evaluated images.
        units: Number of their independent units.
        tests: Number of gaps that were tested together.
        columns: The subsets by each property.
        problems: Sentences on what could not be read.
    """

    run_id: str
    run: str
    task: str
    all_images: SubsetMetric
    units: int
    tests: int
    columns: list[SubsetsOfColumn]
    problems: list[str]


def subset_report(
    store: RunStore, run: Run, by: str | None = None, progress: Callable[[int, int], None] | None = None
) -> SubsetReport:
    """Compute the main metric of a run on subsets of its evaluated images.

    Args:
        store: The store of the run.
        run: A finished training, or a complete cross-validation: then, of the first repeat.
        by: Name of one property; None for all of them.
        progress: Called with (images read, images in all).

    Raises:
        RunError: The run has no predictions, there is no such property, or one of its files is missing or damaged.
    """
    _, table = evaluated(store, run)
    found = subset_columns(store, run, table, progress) if by is None else one_column(store, run, table, by, progress)
    return report_of(store, run, found)


def report_of(store: RunStore, run: Run, found: SubsetColumns) -> SubsetReport:
    """Compute the main metric of a run on the subsets by certain properties.

    Args:
        store: The store of the run.
        run: As for `subset_report`.
        found: Properties, in the order of the run's predictions.

    Raises:
        RunError: As for `subset_report`.
    """
    report, table = evaluated(store, run)
    units = independent_units(store, run, table)
    with reading("The table of predictions", run):
        whole = results_of(run.config.task).subset_metric(run, report, table)
        columns = _compared(run, report, table, units, found.columns)
    return {
        "run_id": run.id,
        "run": run.name,
        "task": run.config.task,
        "all_images": whole,
        "units": len(np.unique(units)),
        "tests": _adjust(columns),
        "columns": columns,
        "problems": list(found.problems),
    }


def evaluated(store: RunStore, run: Run) -> tuple[Evaluation, pd.DataFrame]:
    """Return the evaluation and the predictions of a run; of a cross-validation, those of the first repeat.

    Raises:
        RunError: It has none, or they are damaged.
    """
    if run.kind == "crossval":
        complete_result(store, run)
    report = stored_results.evaluation(store, run) if run.kind != "find-lr" else None
    table = results_of(run.config.task).predictions(store, run) if report else None
    if report is None or table is None or table.empty:
        raise RunError(f"Run {run.name!r} is {run.status} and has no predictions: choose a finished training.")
    return report, table.reset_index(drop=True)


def independent_units(store: RunStore, run: Run, table: pd.DataFrame) -> np.ndarray:
    """Return the unit of each evaluated image, (N,) int64: copies and images of one patient share a unit."""
    split = stored_results.split(store, run)
    if split is None:
        return np.arange(len(table))
    rows = split.drop_duplicates("path").set_index("path").reindex(table["path"])[["sha256", "twin", "group"]]
    return leak_groups(rows.fillna("").reset_index(drop=True))


def _compared(
    run: Run, report: Evaluation, table: pd.DataFrame, units: np.ndarray, columns: tuple[SubsetColumn, ...]
) -> list[SubsetsOfColumn]:
    """Return the subsets by each property, without adjusted p-values."""
    found: list[SubsetsOfColumn] = []
    for column in columns:
        known = column.parts.values != ""
        rows, numbers = table[known].reset_index(drop=True), units[known]
        subsets: list[Subset] = []
        method = ""
        for name in column.parts.names:
            inside = column.parts.values[known] == name
            gap = results_of(run.config.task).subset_gap(run, rows, inside, numbers)
            subsets.append(_subset(run, report, rows, inside, numbers, name, gap))
            method = gap.method
        unknown = int((~known).sum())
        found.append({"column": column.name, "unknown": unknown, "method": method, "subsets": subsets})
    return found


def _subset(
    run: Run, report: Evaluation, rows: pd.DataFrame, inside: np.ndarray, units: np.ndarray, name: str, gap: Gap
) -> Subset:
    mine, others = (len(np.unique(units[side])) for side in (inside, ~inside))
    part = rows[inside].reset_index(drop=True)
    return {
        "name": name,
        "metric": results_of(run.config.task).subset_metric(run, report, part),
        "units": mine,
        "few": min(mine, others) < FEW,
        "gap": gap.difference,
        "gap_interval": gap.interval,
        "p": gap.p,
        "adjusted": None,
    }


def _adjust(columns: list[SubsetsOfColumn]) -> int:
    """Adjust the p-values of all gaps, and return the number of tests.

    Of two subsets, each is the rest of the other, so they are one test.
    """
    tests: list[list[Subset]] = []
    for column in columns:
        tested = [subset for subset in column["subsets"] if subset["p"] is not None]
        tests += [tested] if len(column["subsets"]) == 2 and tested else [[subset] for subset in tested]
    values = [test[0]["p"] for test in tests]
    for test, adjusted in zip(tests, holm([value for value in values if value is not None]), strict=True):
        for subset in test:
            subset["adjusted"] = adjusted
    return len(tests)
