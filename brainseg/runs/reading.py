"""Turns a stored run into a `Run`, or into an `UnreadableRun` with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, cast, get_args

from brainseg.config import RunConfig
from brainseg.errors import ConfigError, RunError
from brainseg.runs.crossval import PARENT, read_plan
from brainseg.runs.ensemble_members import read_members
from brainseg.runs.migrations import PREFIX, Tags, migrated, settings_of, stored_schema
from brainseg.runs.moved_paths import moved_config
from brainseg.runs.owners import read_owner
from brainseg.runs.robustness_check import read_check
from brainseg.runs.run import ENDED, LOCAL, NOTE, Run, UnreadableRun
from brainseg.runs.run_end import EndKind, RunEnd
from brainseg.runs.run_summary import Kind
from brainseg.runs.search import read_search, read_trial

if TYPE_CHECKING:
    from brainseg.runs.snapshot import StoredRun


def read_run(found: StoredRun, home: Path | None = None) -> Run | UnreadableRun:
    """Return a stored run.

    Args:
        found: The run as the store returns it.
        home: The home folder that owns the store, and so all its runs, wherever they were made. None for a store that
            several homes may share.
    """
    try:
        return _run(found, home)
    except (RunError, ConfigError) as error:
        tags = found.data.tags
        return UnreadableRun(
            id=found.info.run_id,
            name=_name(found),
            status=found.info.status,
            created=_moment(found.info.start_time),
            why=str(error).rstrip("."),
            home_folder=str(home) if home else tags.get(PREFIX + "host", ""),
            home_id=tags.get(PREFIX + "home", ""),
            owner=read_owner(tags),
        )


class KnownRuns:
    """Turns stored runs into `Run`s; one that has not changed since it was last read is returned as it was then.

    Checking the settings of a run takes ten times as long as reading its rows, and pages list all runs after every
    change of the store. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[StoredRun, Path | None, Run | UnreadableRun]] = {}

    def read(self, found: StoredRun, home: Path | None) -> Run | UnreadableRun:
        """Return a stored run as `read_run` does."""
        known = self._known.get(found.info.run_id)
        if known is not None and known[:2] == (found, home):
            return known[2]
        run = read_run(found, home)
        self._known[found.info.run_id] = (found, home, run)
        return run

    def keep(self, runs: Iterable[Run | UnreadableRun]) -> None:
        """Forget all other runs."""
        ids = {run.id for run in runs}
        self._known = {run_id: known for run_id, known in list(self._known.items()) if run_id in ids}


def _run(found: StoredRun, home: Path | None) -> Run:
    schema = stored_schema(found.data.tags)
    tags = migrated(found.data.tags)
    config, folder = RunConfig.parse(settings_of(tags)), tags.get(PREFIX + "host", "")
    kind = _kind(tags)
    if home:
        config, folder = moved_config(config, PurePath(folder), home), str(home)
    return Run(
        id=found.info.run_id,
        name=_name(found),
        status=found.info.status,
        config=config,
        created=_moment(found.info.start_time),
        ended=_moment(found.info.end_time) if found.info.end_time else None,
        metrics=dict(found.data.metrics),
        end=_end(found.info.status, tags),
        home_folder=folder,
        queued=_seconds(tags, "queued"),
        kind=kind,
        promoted=_seconds(tags, "promoted"),
        tags={key: value for key, value in tags.items() if not key.startswith(("mlflow.", PREFIX))},
        note=tags.get(NOTE, ""),
        bundle_digest=tags.get(PREFIX + "bundle", ""),
        started=_seconds(tags, "started"),
        home_id=tags.get(PREFIX + "home", ""),
        schema=schema,
        parent=tags.get(PARENT, ""),
        plan=read_plan(tags.get(PREFIX + "crossval", "")) if kind == "crossval" else None,
        pooled_of=tags.get(PREFIX + "pooled", ""),
        check=read_check(tags.get(PREFIX + "robustness", "")) if kind == "robustness" else None,
        members=read_members(tags.get(PREFIX + "ensemble", "")) if kind == "ensemble" else (),
        search=read_search(tags.get(PREFIX + "search", "")) if kind == "search" else None,
        trial=read_trial(tags[PREFIX + "trial"]) if PREFIX + "trial" in tags else None,
        confirmed_by=dict(zip(("trial", "run"), tags.get(PREFIX + "confirmed-by", "").split(), strict=False)),
        owner=read_owner(tags),
        launcher=tags.get(PREFIX + "launcher", LOCAL),
    )


def _kind(tags: Tags) -> Kind:
    """Return the kind of a run; a kind of a newer brainseg must not pass for a training, which a worker would start."""
    kind = tags.get(PREFIX + "kind", "train")
    if kind not in get_args(Kind):
        raise RunError(f"it is of a kind that this version does not know ({kind[:40]!r}): upgrade brainseg to use it")
    return cast("Kind", kind)


def _end(status: str, tags: Tags) -> RunEnd | None:
    if status not in ENDED:
        return None
    kind = tags.get(PREFIX + "end", "")
    known = EndKind(kind) if kind in set(EndKind) else EndKind.UNKNOWN
    return RunEnd(known, tags.get(PREFIX + "reason", ""), tags.get(PREFIX + "log_tail", ""))


def _seconds(tags: Tags, name: str) -> float:
    """Return a recorded time in seconds since 1970; 0 if it is not recorded."""
    text = tags.get(PREFIX + name, "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < 1e11:  # larger values cannot be turned into a date
        raise RunError(f"its tag {PREFIX}{name} is damaged: it holds {text[:40]!r}, not a time")
    return seconds


def _name(found: StoredRun) -> str:
    return found.info.run_name or found.info.run_id[:8]


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
