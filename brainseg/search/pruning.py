"""The decision whether a trial ends early: Optuna's median rule on the epochs that the run store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import optuna
from optuna.pruners import MedianPruner
from optuna.trial import TrialState, create_trial

STARTUP = 5
"""Complete trials before another one may be pruned."""
optuna.logging.set_verbosity(optuna.logging.WARNING)  # a trainer's log is for the user


def warm_up(planned: int) -> int:
    """Return the number of first epochs in which no trial is pruned: a fourth, since these epochs tell little.

    >>> warm_up(16), warm_up(2)
    (4, 1)
    """
    return max(1, planned // 4)


def prune_sentence(mine: Mapping[int, float], others: Sequence[Mapping[int, float]], planned: int, metric: str) -> str:
    """Return why a trial should end after its last epoch; "" if it should go on.

    A trial ends if its best value so far is below the median of the other trials' values at the same epoch (D. Golovin
    and others 2017, "Google Vizier", KDD, 1487-1495; as in Optuna's `MedianPruner`).

    Args:
        mine: The metric after each epoch of the trial, counted from 1; greater is better.
        others: The same of the complete trials.
        planned: Number of epochs of each trial.
        metric: The name of the metric, within a sentence.

    Examples:
        >>> prune_sentence({2: 0.5, 3: 0.6}, [{3: 0.7}] * 5, 8, "accuracy")
        'Pruned after epoch 3 of 8: its best accuracy so far, 0.600, is below the median of 5 other trials, 0.700.'
        >>> prune_sentence({2: 0.5, 3: 0.8}, [{3: 0.7}] * 5, 8, "accuracy")
        ''
    """
    epoch = max(mine, default=0)
    if not warm_up(planned) < epoch < planned:
        return ""
    pruner = MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=0)  # epochs are counted from 1, its steps from 0
    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.add_trials([_trial(values, TrialState.COMPLETE) for values in others if values])
    trial = _trial(mine, TrialState.RUNNING)
    if not pruner.prune(study, trial):
        return ""
    there = [values[epoch] for values in others if epoch in values]
    return (
        f"Pruned after epoch {epoch} of {planned}: its best {metric} so far, {max(mine.values()):.3f}, is below the "
        f"median of {len(there)} other trials, {median(there):.3f}."
    )


def _trial(values: Mapping[int, float], state: TrialState) -> optuna.trial.FrozenTrial:
    final = list(values.values())[-1] if state == TrialState.COMPLETE else None
    return create_trial(state=state, value=final, intermediate_values=dict(values))
