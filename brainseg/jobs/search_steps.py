"""The next step of a search: another trial, the confirmation of the winner, or the end.

It is taken whenever a run of the search has ended, by whatever process notices. All that it depends on is in the run
store, so it does not matter which process was killed before: the same step is taken again, and nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from brainseg import extras, paths
from brainseg.errors import ConfigError, RunError
from brainseg.jobs.fold_runs import make_crossval
from brainseg.jobs.search_trials import best_trial, epochs_used, hours_used, planned_epochs, record
from brainseg.jobs.submission import free_name
from brainseg.runs import ENDED, EndKind, Run, RunStore
from brainseg.runs.crossval import PARENT
from brainseg.runs.migrations import PREFIX
from brainseg.runs.run_plan import Plan
from brainseg.runs.search import TrialOf, confirmations_of, trials_of, write_trial
from brainseg.search.plan import CONFIRM_FOLDS, SearchPlan

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

DATABASE = "optuna.db"
"""Optuna's own database, in the home folder."""
INTERRUPTED = frozenset({EndKind.LOST, EndKind.UNSUPERVISED, EndKind.MOVED, EndKind.NOT_STARTED})
"""Ends of a trial after which a search waits for `resume`: not the trial went wrong, but the machine stopped."""
FAILURES = 5
"""Trials that may fail at the beginning before the search gives up."""
_WAIT = 20
"""Seconds to wait while another program writes to Optuna's database."""
_LOGGER = logging.getLogger(__name__)


def take_step(store: RunStore, search: Run) -> list[Run]:
    """Make the runs that a search needs next, or end it; call it while the queue is locked.

    Args:
        store: The run store.
        search: The search, of this home.

    Returns:
        The runs that were queued.
    """
    plan = search.search
    if plan is None or search.status != "RUNNING":
        return []
    children = store.all_children(search)
    trials = trials_of(search, children)
    live = [run for run in trials if run.status not in ENDED]
    if any(run.end and run.end.kind in INTERRUPTED for run in children):
        if not live:
            _end(store, search, "FAILED", "The search was interrupted", EndKind.INCOMPLETE)
        return []
    failed = _failed_from_the_start(trials)
    made, why = ([], failed) if failed else _more_trials(store, search, plan, trials)
    if made or live:
        return made
    winner = best_trial(trials, plan)
    if winner is None:
        _end(store, search, "FAILED", why or "No trial finished", EndKind.INCOMPLETE)
        return []
    return _confirm(store, search, plan, winner, why)


def _failed_from_the_start(trials: list[Run]) -> str:
    """Return why a search gives up: all its trials have failed; "" if it goes on."""
    failed = [run for run in trials if run.status == "FAILED"]
    if len(failed) < FAILURES or len(failed) < len(trials):
        return ""
    return f"The first {len(failed)} trials failed, the last one with this message: {failed[-1].reason.rstrip('.')}"


def _more_trials(store: RunStore, search: Run, plan: SearchPlan, trials: list[Run]) -> tuple[list[Run], str]:
    """Queue as many trials as the plan allows now; return them, and why no further one follows, without a full stop."""
    trials = list(trials)
    made: list[Run] = []
    while sum(run.status not in ENDED for run in trials) < max(1, plan.parallel):
        if len(trials) >= plan.trials:
            return made, ""
        if plan.hours and hours_used(trials) >= plan.hours:
            return made, f"The budget of {plan.hours:g} hours is used up"
        point = next_point(store, search, plan, trials)
        if point is None:
            every = f"All {len(trials)} possible combinations were tried"
            return made, every if trials else "No combination of the ranges is allowed"
        config = search.config.with_settings(point)
        if plan.epochs and epochs_used(store, trials) + planned_epochs(config) > plan.epochs:
            return made, f"The budget of {plan.epochs} epochs does not suffice for another trial"
        number = max((run.trial.number for run in trials if run.trial), default=-1) + 1
        tags = {PARENT: search.id, PREFIX + "trial": write_trial(TrialOf(number, point))}
        run = store.create(config, f"{search.name}-trial{number}", tags=tags, launcher=search.launcher)
        trials.append(run)
        made.append(run)
    return made, ""


def next_point(store: RunStore, search: Run, plan: SearchPlan, trials: list[Run]) -> dict[str, Any] | None:
    """Return the settings of the next trial, which were not tried before; None if all combinations were."""
    from brainseg.search.study import open_study, propose  # imports Optuna

    def possible(point: Mapping[str, Any]) -> bool:
        try:
            search.config.with_settings(point)
        except ConfigError:
            return False
        return True

    records = [record(store, run, plan) for run in trials]
    with optuna_storage() as storage:
        return propose(open_study(storage, search.id, plan, records), plan, records, possible)


@contextmanager
def optuna_storage() -> Iterator[RDBStorage | None]:
    """Open Optuna's database beside the run store; None, after a message in the log, if it cannot be opened.

    A search does not depend on it, since the run store knows all trials.
    """
    from optuna.storages import RDBStorage

    file = paths.home() / DATABASE
    try:
        storage = RDBStorage(f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": _WAIT}})
    except Exception:  # SQLAlchemy, alembic and Optuna each raise their own
        _LOGGER.exception("%s cannot be opened: move it away, and it is made again from the run store.", file)
        storage = None
    try:
        yield storage
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def forget_study(search: Run) -> None:
    """Remove a deleted search from Optuna's database."""
    if not (paths.home() / DATABASE).exists() or not extras.installed("optuna"):
        return
    import optuna

    with optuna_storage() as storage:
        if storage and search.id in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=search.id, storage=storage)


def _confirm(store: RunStore, search: Run, plan: SearchPlan, winner: Run, why: str) -> list[Run]:
    """Queue the confirmation of the winner, or end the search once it has ended."""
    found = confirmation(store, search, plan, winner)
    if found is None and plan.confirm != "none":
        return _make_confirmation(store, search, plan, winner)
    if found is None or found.status == "FINISHED":
        _end(store, search, "FINISHED", why, EndKind.FINISHED)
    elif found.status in ENDED:
        _end(store, search, "FAILED", "The confirmation of the winner did not finish", EndKind.INCOMPLETE)
    return []


def confirmation(store: RunStore, search: Run, plan: SearchPlan, winner: Run) -> Run | None:
    """Return the run that confirms the winner of a search: on its test set, or a cross-validation; None if none."""
    if plan.confirm == "test":
        return confirmations_of(search, store.all_children(search)).get(winner.id)
    if plan.confirm == "folds" and search.confirmed_by.get("trial") == winner.id:
        try:
            return store.get(search.confirmed_by["run"])
        except RunError:  # it was deleted
            return None
    return None


def _make_confirmation(store: RunStore, search: Run, plan: SearchPlan, winner: Run) -> list[Run]:
    number = winner.trial.number if winner.trial else 0
    name = free_name(f"{search.name}-confirmed{number}", {run.name for run in store.entries()})
    data = winner.config.data
    if plan.confirm == "test":
        config = winner.config.model_copy(update={"data": data.model_copy(update={"test_use": "evaluate"})})
        tags = {PARENT: search.id, PREFIX + "trial": write_trial(TrialOf(-1, {}, winner.id))}
        return [store.create(config, name, tags=tags, launcher=search.launcher)]
    other = {"seed": (data.seed + 1) % 2**32, "test_fraction": 0.0, "test_use": "evaluate"}
    config = winner.config.model_copy(update={"data": data.model_copy(update=other)})
    parent = make_crossval(store, config, name, Plan(CONFIRM_FOLDS), search.launcher)
    store.set_tags(search.id, {PREFIX + "confirmed-by": f"{winner.id} {parent.id}"})
    return list(store.all_children(parent))


def _end(store: RunStore, search: Run, status: str, why: str, kind: EndKind) -> None:
    counts = store.get(search.id).trials
    sentence = ""
    if status != "FINISHED":
        sentence = f"{why}: {counts.words() if counts else ''}."
    elif why:
        sentence = f"{why}."
    store.set_status(search.id, status, sentence, kind)
