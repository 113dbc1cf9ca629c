"""Reads finished runs for a comparison."""

from __future__ import annotations

from typing import Any

from brainseg.results.by_task import results_of
from brainseg.results.comparison import EvaluatedRun, check_comparable
from brainseg.runs import Run, RunStore


def read_evaluated_run(store: RunStore, run: Run) -> EvaluatedRun[Any]:
    """Read a run with all that a comparison needs.

    Raises:
        RunError: It did not finish, or one of its files is missing or damaged.
    """
    check_comparable([run])
    return results_of(run.config.task).read_evaluated(store, run)
