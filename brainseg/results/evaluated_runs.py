"""Reads finished runs for a comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from brainseg.files import sha256_bytes
from brainseg.results import stored_results
from brainseg.results.by_task import results_of
from brainseg.results.comparison import EvaluatedRun, check_comparable, required
from brainseg.results.crossval.reading import complete_result
from brainseg.runs import Run, RunStore


def read_evaluated_run(store: RunStore, run: Run) -> EvaluatedRun[Any]:
    """Read a run with all that a comparison needs; of a cross-validation, the pooled predictions of the first repeat.

    Cross-validations can be compared if their images and their folds are the same.

    Raises:
        RunError: It did not finish, one of its files is missing or damaged, or it is a cross-validation without a
            result.
    """
    check_comparable([run])
    read = results_of(run.config.task).read_evaluated
    if run.kind != "crossval":
        return read(store, run)
    complete_result(store, run)
    evaluated = read(store, store.get(run.id))
    table = required(stored_results.out_of_fold(store, run), "pooled table", run)
    return replace(evaluated, key=sha256_bytes(f"{evaluated.key} {_folds(table)}".encode()))


def _folds(table: pd.DataFrame) -> str:
    """Return a text that is equal for cross-validations with the same images in the same folds."""
    columns = table[["repeat", "fold", "sha256"]].astype(str)
    return " ".join(sorted(columns.agg(":".join, axis=1)))
