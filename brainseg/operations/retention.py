"""Finds what is older than the rules of the user allow. Without a rule, everything is kept.

Each rule is an environment variable with a number of days. What a rule never takes is told in `docs/how-to/server.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import rmtree

from brainseg import paths
from brainseg.datasets.library import KnownDataset, forget, known_datasets
from brainseg.errors import BrainsegError
from brainseg.files import file_state
from brainseg.jobs import actions
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.removal import refuse_if_needed, runs_on
from brainseg.jobs.workspace import Workspace
from brainseg.monitoring import AnswerLog
from brainseg.reading.library import all_studies
from brainseg.reading.study import Study
from brainseg.runs import ENDED, Run, RunStore
from brainseg.runs.purging import deleted_runs, purge
from brainseg.runs.run import default_run
from brainseg.users import audit

RULES = {
    "BRAINSEG_KEEP_RUNS_DAYS": "ended runs with their models",
    "BRAINSEG_KEEP_CHECKPOINTS_DAYS": "checkpoints of runs that failed or were cancelled",
    "BRAINSEG_KEEP_UPLOADS_DAYS": "uploaded datasets",
    "BRAINSEG_KEEP_ANSWERS_DAYS": "the log of answers",
    "BRAINSEG_KEEP_LOGS_DAYS": "log files",
    "BRAINSEG_KEEP_AUDIT_DAYS": "the audit log",
    "BRAINSEG_KEEP_DELETED_DAYS": "records of deleted runs, earlier homes, and copies of upgraded run stores",
}
"""Environment variable with the days -> what is kept so long."""
KEEP = "keep"
"""Tag of a run that no rule takes."""
UPLOADED = ("upload", "volumes")
DAY = 86_400.0


@dataclass(frozen=True)
class Expired:
    """Something that a rule takes.

    Attributes:
        rule: The environment variable.
        kept: Its days.
        what: What it is, such as "run baseline".
        days: How old it is.
        bytes: What it takes on the disk.
        remove: Deletes it.
    """

    rule: str
    kept: float
    what: str
    days: float
    bytes: int
    remove: Callable[[], object]


Found = tuple[str, float, int, Callable[[], object]]
"""What something is, when it was last used in seconds since 1970, its bytes, and what deletes it."""


def rules() -> dict[str, float]:
    """Return the rules that are set: environment variable -> days.

    Raises:
        ConfigError: A rule is not a number, or is negative.
    """
    found = {rule: paths.optional_limit(rule) for rule in RULES}
    return {rule: days for rule, days in found.items() if days is not None}


def expired(store: RunStore, now: float | None = None) -> list[Expired]:
    """Return what the rules take, in the order in which it can be deleted.

    Args:
        store: The run store.
        now: The time in seconds since 1970; that of the call by default.

    Raises:
        ConfigError: A rule is not a number, or is negative.
        DataError: The list of datasets or the log of answers is damaged.
    """
    now = time.time() if now is None else now
    found = []
    for rule, kept in rules().items():
        for what, used, size, remove in _FINDERS[rule](store, now - kept * DAY):
            found.append(Expired(rule, kept, what, (now - used) / DAY, size, remove))
    return found


def _runs(store: RunStore, before: float) -> Iterator[Found]:
    """Give ended runs, newest first: an ensemble goes before its members; folds go with their cross-validation."""
    runs = store.list()
    offered = {best.id for task in {run.config.task for run in runs} if (best := default_run(runs, task))}
    going: set[str] = set()
    for run in runs:
        ended = run.ended.timestamp() if run.ended and run.status in ENDED else before
        if ended >= before or run.parent or run.promoted or KEEP in run.tags or run.id in offered:
            continue
        if not store.owns(run) or _needed(run, runs, going):
            continue
        going.add(run.id)
        folds = store.all_children(run) if run.kind == "crossval" else []
        size = sum(_size(store.home / "runs" / one.id) for one in (run, *folds))
        yield f"run {run.name} ({run.id[:8]})", ended, size, partial(actions.delete, store, run.id)


def _needed(run: Run, runs: list[Run], going: set[str]) -> bool:
    """Return whether a run, or a fold of it, is a member of an ensemble that stays."""
    own = {run.id, *(other.id for other in runs if other.parent == run.id)}
    return any(member.run in own for other in runs if other.id not in going for member in other.members)


def _checkpoints(store: RunStore, before: float) -> Iterator[Found]:
    known = {entry.id: entry for entry in store.entries()}
    for folder in sorted(paths.place("work").glob("*")):
        entry, state = known.get(folder.name), file_state(folder)
        if entry is not None and not isinstance(entry, Run):
            continue
        if state is None or not folder.is_dir() or (entry and not (entry.status in ENDED and store.owns(entry))):
            continue
        used = entry.ended.timestamp() if entry and entry.ended else state[0] / 1e9
        if used < before and Workspace(folder.name).abandoned():
            what = f"checkpoints of run {entry.name}" if entry else f"checkpoints of a deleted run ({folder.name[:8]})"
            yield what, used, _size(folder), partial(_remove_workspace, store, folder.name)


def _remove_workspace(store: RunStore, run_id: str) -> None:
    with queue_lock():  # so that nobody resumes the run meanwhile
        stored = store.stored_run(run_id)
        ended = stored is None or stored.info.status in ENDED or stored.info.lifecycle_stage == "deleted"
        if ended and Workspace(run_id).abandoned():
            Workspace(run_id).remove()


def _uploads(store: RunStore, before: float) -> Iterator[Found]:
    runs = store.list()
    studied = {str(paths.place(study.dataset.path)) for study in all_studies() if isinstance(study, Study)}
    for known in known_datasets():
        mine = runs_on(known, runs)
        needed = known.path in studied or any(run.status not in ENDED for run in mine)
        if known.source not in UPLOADED or needed:
            continue
        used = _last_used(known, mine)
        if used < before:
            yield f"dataset {known.name}", used, _size(Path(known.path)), partial(_forget, store, known)


def _last_used(known: KnownDataset, runs: list[Run]) -> float:
    """Return when a dataset was added, or the last of its runs ended."""
    added = datetime.fromisoformat(known.added)
    moments = [added if added.tzinfo else added.replace(tzinfo=UTC)]
    return max([*moments, *(run.ended for run in runs if run.ended)]).timestamp()


def _forget(store: RunStore, known: KnownDataset) -> None:
    refuse_if_needed(known, store.list())
    forget(known.name)


def _answers(store: RunStore, before: float) -> Iterator[Found]:
    log, moment = AnswerLog(), datetime.fromtimestamp(before, UTC)
    count, first = log.count_before(moment)
    if first is not None:
        what = f"{count:,} {'answer' if count == 1 else 'answers'} in the log"
        yield what, first.timestamp(), 0, partial(log.remove_before, moment)


def _logs(store: RunStore, before: float) -> Iterator[Found]:
    """Give log files that nothing has been written to since."""
    home = store.home
    for file in sorted([*(home / "logs").glob("*"), *(home / "jobs").glob("*.log"), home / "crash.log"]):
        state = file_state(file)
        if state and file.is_file() and state[0] / 1e9 < before:
            yield str(file.relative_to(home)), state[0] / 1e9, state[1], partial(file.unlink, missing_ok=True)


def _audit(store: RunStore, before: float) -> Iterator[Found]:
    moment = datetime.fromtimestamp(before, UTC)
    count, first = audit.count_before(moment)
    if first is not None:
        what = f"{count:,} {'line' if count == 1 else 'lines'} of the audit log"
        yield what, first.timestamp(), 0, partial(audit.remove_before, moment)


def _deleted(store: RunStore, before: float) -> Iterator[Found]:
    days = (time.time() - before) / DAY
    for run_id, name in deleted_runs(store, days).items():
        yield f"record of the deleted run {name} ({run_id[:8]})", before, 0, partial(purge, store, run_id)
    home = store.home
    for place in sorted([*home.parent.glob(f"{home.name}.before-*"), *home.glob("*.db.before-*")]):
        with suppress(ValueError):  # not one of brainseg's own names
            made = datetime.strptime(place.name.rpartition(".before-")[2], "%Y%m%d-%H%M%S").astimezone().timestamp()
            if made < before:
                yield place.name, made, _size(place), partial(_remove, place)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        rmtree(place)
    else:
        place.unlink()


def _size(place: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    files = [place] if place.is_file() else place.rglob("*")
    return sum(state[1] for file in files if not file.is_dir() and (state := file_state(file)))


_FINDERS: dict[str, Callable[[RunStore, float], Iterator[Found]]] = dict(
    zip(RULES, (_runs, _checkpoints, _uploads, _answers, _logs, _audit, _deleted), strict=True)
)


@dataclass(frozen=True)
class Kept:
    """Something that a rule takes but that could not be deleted, and why."""

    what: str
    reason: str


def remove(found: list[Expired]) -> list[Kept]:
    """Delete what rules take, and return what could not be deleted."""
    kept = []
    for each in found:
        try:
            each.remove()
        except (BrainsegError, OSError) as error:
            kept.append(Kept(each.what, str(error)))
    return kept
