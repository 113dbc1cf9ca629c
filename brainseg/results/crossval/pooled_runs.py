"""Pools the folds of a cross-validation, whatever their task."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import cast

import pandas as pd

from brainseg.errors import RunError
from brainseg.evaluation.crossval.pooled import Pooled
from brainseg.evaluation.stored import E, Evaluation
from brainseg.results import stored_results
from brainseg.results.crossval.basis import pooled_basis
from brainseg.runs import Run, RunStore


def pool_runs(
    kind: type[E],
    store: RunStore,
    parent: Run,
    runs: Sequence[Run],
    table: pd.DataFrame,
    shared: Callable[[E], tuple[Hashable, ...]],
    evaluate: Callable[..., Pooled],
) -> Pooled:
    """Evaluate pooled predictions.

    Args:
        kind: Type of the folds' evaluations.
        store: The run store.
        parent: The cross-validation.
        runs: Its folds.
        table: From `evaluation.crossval.pooling.pool`.
        shared: Returns what all evaluations must have in common: the arguments of `evaluate` after the table.
        evaluate: Evaluates the table.

    Raises:
        RunError: The folds differ in what they must share, or their files are damaged.
    """
    found = [stored_results.evaluation_as(kind, store, run) for run in runs]
    evaluations = [each for each in found if each]
    facts = {shared(each) for each in evaluations}
    if len(facts) != 1 or len(evaluations) < len(runs):
        raise RunError(f"The folds of {parent.name!r} differ in their classes, so they cannot be pooled.")
    try:
        pooled = evaluate(table, *facts.pop())
    except ValueError as error:
        raise RunError(f"The predictions of the folds of {parent.name!r} are damaged: {error}") from error
    evaluation = pooled["evaluation"]
    values = {**evaluation, **pooled_basis(runs, evaluations, evaluation["matrix"])}
    return {**pooled, "evaluation": cast("Evaluation", values)}
