"""The Optuna study of a search: it learns from the trials so far, and proposes the next point.

The run store knows which trials there are and how they ended. The study in Optuna's own database repeats it, so that
Optuna's tools open it. What is missing there, after a crash or if the file was lost, is added from the run store.

Optuna's samplers draw the same points again if a study is resumed with the same seed. Here, each proposal has a seed of
its own, from the seed of the search and the number of trials so far, and a point that was tried is never proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from brainseg.search.plan import SearchPlan
from brainseg.search.space import all_points, distributions, params_of, point_of
from brainseg.search.trials import Trial, point_key

STARTUP = 10
"""Most trials that TPE draws at random before it models the results; a small search uses half of its trials."""
ATTEMPTS = 10
"""Proposals that may repeat a point, or be impossible, before another one is drawn."""
LISTED = 100_000
"""Points of a finite space that are looked through for an untried one."""
RUN = "run"
"""Attribute of Optuna's trials: the id of the run."""
_STATES = {
    "live": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
optuna.logging.set_verbosity(optuna.logging.WARNING)

Possible = Callable[[Mapping[str, Any]], bool]
"""Whether settings are allowed together."""


def open_study(storage: BaseStorage | None, name: str, plan: SearchPlan, trials: Sequence[Trial]) -> optuna.Study:
    """Open the study of a search, or make it, and add the trials that have ended since.

    Args:
        storage: Optuna's storage; None for one in memory.
        name: Its name: the id of the search's run.
        plan: The search.
        trials: All its trials, as the run store knows them.

    Returns:
        The study. It has one record for each ended trial; if one failed and was resumed, the last one counts.
    """
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    known = _latest(study)
    for trial in trials:
        found = known.get(trial.run)
        if trial.state != "live" and (found is None or found.state != _STATES[trial.state]):
            study.add_trial(_frozen(plan, trial))
    return study


def _frozen(plan: SearchPlan, trial: Trial) -> FrozenTrial:
    live = trial.state == "live"
    return create_trial(
        state=_STATES[trial.state],
        value=trial.value,
        params=params_of(plan.ranges, trial.point),
        distributions=distributions(plan.ranges),
        user_attrs={RUN: trial.run, "number": trial.number},
        intermediate_values={} if live else dict(trial.epochs()),
    )


def _latest(study: optuna.Study) -> dict[str, FrozenTrial]:
    """Return the latest record of each run, by the id of the run."""
    return {trial.user_attrs.get(RUN, ""): trial for trial in study.get_trials(deepcopy=False)}


def propose(
    study: optuna.Study, plan: SearchPlan, trials: Sequence[Trial], possible: Possible
) -> dict[str, Any] | None:
    """Return a point that was not tried; None if there is none.

    The study is not changed. The same study and trials give the same point.

    Args:
        study: From `open_study`.
        plan: The search.
        trials: All its trials, in any state.
        possible: Tells whether settings are allowed together.
    """
    tried = {point_key(trial.point) for trial in trials}
    seed = np.random.SeedSequence([plan.seed, len(trials)])
    if plan.method == "grid":
        return _untried(plan, tried, possible, np.random.default_rng(plan.seed))
    for attempt in seed.generate_state(ATTEMPTS):
        point = _drawn(study, plan, trials, int(attempt))
        if point_key(point) not in tried and possible(point):
            return point
    return _untried(plan, tried, possible, np.random.default_rng(seed))


def _drawn(study: optuna.Study, plan: SearchPlan, trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Draw one point with the sampler, on a copy in memory that also has the trials under way."""
    copy = optuna.create_study(direction="maximize", sampler=_sampler(plan, seed))
    copy.add_trials([*_latest(study).values(), *(_frozen(plan, trial) for trial in trials if trial.state == "live")])
    return point_of(plan.ranges, copy.ask(distributions(plan.ranges)).params)


def _sampler(plan: SearchPlan, seed: int) -> BaseSampler:
    if plan.method == "random":
        return RandomSampler(seed=seed)
    return TPESampler(
        seed=seed, n_startup_trials=min(STARTUP, plan.trials // 2), multivariate=True, constant_liar=plan.parallel > 1
    )


def _untried(
    plan: SearchPlan, tried: Collection[object], possible: Possible, random: np.random.Generator
) -> dict[str, Any] | None:
    """Return an untried point of a finite space, in an order that is drawn; None if all were tried."""
    if plan.size > LISTED:
        return _drawn_untried(plan, tried, possible, random)
    points = list(islice(all_points(plan), LISTED))
    order = random.permutation(len(points))
    untried = (points[number] for number in order if point_key(points[number]) not in tried)
    return next((point for point in untried if possible(point)), None)


def _drawn_untried(
    plan: SearchPlan, tried: Collection[object], possible: Possible, random: np.random.Generator
) -> dict[str, Any] | None:
    """Return an untried point of a space that is too large to list; None if hardly any combination is allowed."""
    for _ in range(100 * ATTEMPTS):
        copy = optuna.create_study(sampler=RandomSampler(seed=int(random.integers(2**32))))
        point = point_of(plan.ranges, copy.ask(distributions(plan.ranges)).params)
        if point_key(point) not in tried and possible(point):
            return point
    return None
