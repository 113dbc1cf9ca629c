"""A cross-validation in the store: one parent run, which nothing trains, and one child run for each fold and repeat.

The parent's status follows from its children whenever it is read. What MLflow stores as the parent's status is only a
copy for MLflow's own pages. SCHEDULED there means that children are still being made, or that the process that made
them died.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from brainseg.errors import RunError
from brainseg.runs.run import ENDED, FINAL, Run, StoredEntry
from brainseg.runs.run_end import EndKind, RunEnd
from brainseg.runs.run_plan import FoldCounts, Plan
from brainseg.runs.search import place_of, with_counts

PARENT = "mlflow.parentRunId"
"""MLflow's tag for the id of a run's parent, by which its pages nest runs."""


def write_plan(plan: Plan) -> str:
    """Return a plan as the text of a tag."""
    candidates = [dict(candidate) for candidate in plan.candidates]
    return json.dumps({"folds": plan.folds, "repeats": plan.repeats, "inner": plan.inner, "candidates": candidates})


def read_plan(text: str) -> Plan:
    """Return the plan in a tag.

    Raises:
        RunError: The tag is damaged; the message is the end of a sentence.
    """
    try:
        values = json.loads(text)
        candidates = tuple(dict(candidate) for candidate in values.get("candidates", ()))
        plan = Plan(int(values["folds"]), int(values["repeats"]), int(values.get("inner", 0)), candidates)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError("its tag brainseg.crossval is damaged: its number of folds is lost") from error
    if plan.folds < 2 or plan.repeats < 1:
        raise RunError("its tag brainseg.crossval is damaged: it holds no possible number of folds")
    return plan


def position(child: Run, parent: Run) -> tuple[int, int]:
    """Return the repeat and the fold of a child, both counted from 0."""
    return child.config.data.seed - parent.config.data.seed, child.config.data.fold


def children_of(parent: Run, runs: Iterable[StoredEntry]) -> dict[tuple[int, int], Run]:
    """Return the children of a cross-validation by repeat and fold, in that order, without inner runs."""
    outer = [run for run in _own(parent, runs) if not run.config.data.outer_folds]
    return {position(run, parent): run for run in sorted(outer, key=lambda run: position(run, parent))}


def inner_of(parent: Run, runs: Iterable[StoredEntry]) -> dict[tuple[int, int], dict[tuple[int, int], Run]]:
    """Return the inner runs of each repeat and fold, by candidate and inner fold."""
    found: dict[tuple[int, int], dict[tuple[int, int], Run]] = {}
    for run in _own(parent, runs):
        data, candidate = run.config.data, candidate_of(run, parent)
        if data.outer_folds and candidate is not None:
            place = (data.seed - parent.config.data.seed, data.outer_fold)
            found.setdefault(place, {})[candidate, data.fold] = run
    return found


def candidate_of(run: Run, parent: Run) -> int | None:
    """Return the number of the candidate whose settings a run has; None if it has those of none."""
    flat = run.config.flat()
    candidates = parent.plan.candidates if parent.plan else ()
    fitting = (
        number
        for number, candidate in enumerate(candidates)
        if all(flat.get(name) == value for name, value in candidate.items())
    )
    return next(fitting, None)


def _own(parent: Run, runs: Iterable[StoredEntry]) -> list[Run]:
    return [run for run in runs if isinstance(run, Run) and run.parent == parent.id and run.kind == "train"]


def followed(entries: Sequence[StoredEntry]) -> list[StoredEntry]:
    """Return all runs of a store, with what follows from the children of each cross-validation and search."""
    by_parent: dict[str, list[Run]] = {}
    for run in entries:
        if isinstance(run, Run) and run.parent:
            by_parent.setdefault(run.parent, []).append(run)
    follows = {"crossval": follow, "search": with_counts}
    return [
        follows[run.kind](run, by_parent.get(run.id, [])) if isinstance(run, Run) and run.is_parent else run
        for run in entries
    ]


def follow(parent: Run, children: Sequence[Run]) -> Run:
    """Return a cross-validation with the status, the times and the end that follow from its children.

    Args:
        parent: As it is stored.
        children: Its children, outer and inner.
    """
    found = children
    counts = _counted(parent, found)
    status = "SCHEDULED" if parent.status == "SCHEDULED" and counts.missing else _status(counts)
    started = [child.started for child in found if child.started]
    ended = [child.ended for child in found if child.ended]
    done = status in ENDED
    valid = parent.pooled_of == pooled_key(children_of(parent, found).values()) and status == "FINISHED"
    return replace(
        parent,
        status=status,
        counts=counts,
        started=min(started, default=0.0),
        ended=max(ended, default=parent.created) if done else None,
        end=_end(status, counts) if done else None,
        metrics={name: value for name, value in parent.metrics.items() if valid and name.startswith(FINAL)},
    )


def pooled_key(children: Iterable[Run]) -> str:
    """Return a text that names the children whose results a stored result stands on; it changes with any of them."""
    return " ".join(sorted(f"{child.id[:12]}:{child.started:.0f}" for child in children))


def _counted(parent: Run, children: Sequence[Run]) -> FoldCounts:
    by_status = Counter(child.status for child in children)
    return FoldCounts(
        total=parent.plan.total if parent.plan else 0,
        finished=by_status["FINISHED"],
        failed=by_status["FAILED"],
        cancelled=by_status["KILLED"],
        running=by_status["RUNNING"],
        waiting=by_status["SCHEDULED"],
        later=_later(parent, children),
        what="trainings" if parent.plan and parent.plan.candidates else "folds",
    )


def _later(parent: Run, children: Sequence[Run]) -> int:
    """Return the number of outer folds whose run is made once their inner runs, all of which are there, have ended."""
    if parent.plan is None or not parent.plan.candidates:
        return 0
    outer, inner = children_of(parent, children), inner_of(parent, children)
    wanted, sound = len(parent.plan.inner_places), ("SCHEDULED", "RUNNING", "FINISHED")
    places = [place for place in parent.plan.places if place not in outer]
    return sum(
        len(runs) == wanted and all(run.status in sound for run in runs.values())
        for runs in (inner.get(place, {}) for place in places)
    )


def _status(counts: FoldCounts) -> str:
    if counts.running:
        return "RUNNING"
    if counts.waiting or counts.later:
        return "SCHEDULED" if counts.waiting + counts.later == counts.total else "RUNNING"
    if counts.finished == counts.total:
        return "FINISHED"
    return "KILLED" if counts.cancelled and not counts.failed else "FAILED"


def _end(status: str, counts: FoldCounts) -> RunEnd:
    if status == "FINISHED":
        return RunEnd(EndKind.FINISHED)
    kind = EndKind.CANCELLED if status == "KILLED" else EndKind.INCOMPLETE
    return RunEnd(kind, f"The cross-validation is incomplete: {counts.words()}.")


def why_no_model(run: Run) -> str:
    """Return why a run has no model, as the end of a sentence; only for runs without one."""
    if run.kind == "find-lr":
        return "it only looked for a learning rate"
    if run.kind == "robustness":
        return "it checks the robustness of another run"
    if run.members:
        names = ", ".join(member.name for member in run.members)
        return f"it is an ensemble and answers with the models of its members, so name one of them ({names})"
    if run.kind == "crossval":
        return "it is a cross-validation, which judges settings; each of its folds is a run with a model of its own"
    if run.kind == "search":
        return (
            "it is a search, which compares settings; each of its trials, and its confirmation, is a run with a model"
        )
    return f"it is {run.status}, and only a FINISHED run can be used"


def nested(entries: Sequence[StoredEntry]) -> list[StoredEntry]:
    """Return runs in their order, but with the folds of a cross-validation and the trials of a search below it."""
    known = {run.id: run for run in entries if isinstance(run, Run) and run.is_parent}
    folds: dict[str, list[Run]] = {}
    for run in entries:
        if isinstance(run, Run) and run.parent in known:
            folds.setdefault(run.parent, []).append(run)

    def place(run: Run) -> tuple[int, int, bool, int, int]:
        data, parent = run.config.data, known[run.parent]
        if parent.kind == "search":
            return place_of(run), 0, True, 0, 0
        repeat = data.seed - parent.config.data.seed
        if not data.outer_folds:
            return repeat, data.fold, True, 0, 0
        return repeat, data.outer_fold, False, candidate_of(run, parent) or 0, data.fold

    found: list[StoredEntry] = []
    for run in entries:
        if not (isinstance(run, Run) and run.parent in known):
            found += [run, *sorted(folds.get(run.id, []), key=place)]
    return found
