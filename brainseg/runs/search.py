"""A search in the store: one parent run, which nothing trains, and one child run for each trial.

The parent's status is stored: RUNNING until `brainseg.jobs.search` ends it. The winner is confirmed by another child,
which is evaluated on the test set that the trials left out, or by a cross-validation, which is a parent of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from brainseg.errors import RunError
from brainseg.runs.run import ENDED, Run, StoredEntry
from brainseg.runs.run_plan import TrialCounts
from brainseg.search.plan import SearchPlan


@dataclass(frozen=True)
class TrialOf:
    """What a child of a search is.

    Attributes:
        number: The number of the trial, counted from 0; -1 for a confirmation.
        point: The searched settings, by dotted name.
        confirms: Id of the trial that it confirms; "" for a trial.
    """

    number: int
    point: Mapping[str, Any]
    confirms: str = ""


def read_search(text: str) -> SearchPlan:
    """Return the plan in a tag.

    Raises:
        RunError: The tag is damaged; the message is the end of a sentence.
    """
    try:
        return SearchPlan.from_json(text)
    except ValueError as error:
        raise RunError("its tag brainseg.search is damaged: its ranges are lost") from error


def write_trial(trial: TrialOf) -> str:
    """Return what a child is as the text of a tag."""
    return json.dumps({"number": trial.number, "point": dict(trial.point), "confirms": trial.confirms})


def read_trial(text: str) -> TrialOf:
    """Return what a child is from its tag.

    Raises:
        RunError: The tag is damaged; the message is the end of a sentence.

    Examples:
        >>> read_trial(write_trial(TrialOf(3, {"model.arch": "resnet18"}))).point["model.arch"]
        'resnet18'
    """
    try:
        values = json.loads(text)
        return TrialOf(int(values["number"]), dict(values["point"]), str(values.get("confirms", "")))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError("its tag brainseg.trial is damaged: the settings of the trial are lost") from error


def trials_of(search: Run, runs: Iterable[StoredEntry]) -> list[Run]:
    """Return the trials of a search among some runs, by number."""
    return sorted(
        (run for run in _own(search, runs) if run.trial and not run.trial.confirms),
        key=lambda run: run.trial.number if run.trial else 0,
    )


def confirmations_of(search: Run, runs: Iterable[StoredEntry]) -> dict[str, Run]:
    """Return the runs that confirm a trial of a search on its test set, by the id of the trial; the newest of each."""
    mine = (run for run in _own(search, runs) if run.trial and run.trial.confirms)
    return {run.trial.confirms: run for run in sorted(mine, key=lambda run: run.created) if run.trial}


def _own(search: Run, runs: Iterable[StoredEntry]) -> list[Run]:
    return [run for run in runs if isinstance(run, Run) and run.parent == search.id]


def with_counts(search: Run, children: Sequence[StoredEntry]) -> Run:
    """Return a search with the counts and the start that follow from its children.

    Args:
        search: As it is stored.
        children: Runs, its children among them.
    """
    trials = trials_of(search, children)
    started = [run.started for run in trials if run.started]
    return replace(
        search,
        trials=_counted(search, trials, children),
        started=min(started, default=0.0),
        ended=search.ended if search.status in ENDED else None,
    )


def _counted(search: Run, trials: Sequence[Run], children: Sequence[StoredEntry]) -> TrialCounts:
    pruned = sum(run.pruned for run in trials)
    by_status = Counter(run.status for run in trials if not run.pruned)
    confirming = confirmations_of(search, children).values()
    return TrialCounts(
        total=search.search.trials if search.search else 0,
        finished=by_status["FINISHED"],
        pruned=pruned,
        failed=by_status["FAILED"],
        cancelled=by_status["KILLED"],
        running=by_status["RUNNING"],
        waiting=by_status["SCHEDULED"],
        confirming=sum(run.status in ("SCHEDULED", "RUNNING") for run in confirming),
    )


def place_of(run: Run) -> int:
    """Return a key that sorts the children of a search: its confirmation first, then the trials by number."""
    return run.trial.number if run.trial else 0
