"""The audit log: who did what, to what, when, through which door, and whether it was allowed.

`audit.jsonl` in the home folder has one line of JSON per action, which only its owner may read. Lines are added, never
changed. They hold ids and counts, no images, and no names that users gave to files, runs or datasets, since such a name
may be that of a patient.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock

from brainseg import paths
from brainseg.errors import BrainsegError
from brainseg.files import full_disk_as_disk_error, write_atomically
from brainseg.users.actor import current

LOGGER = logging.getLogger(__name__)
FILE = "audit.jsonl"
PRIVATE = 0o600
Result = Literal["allowed", "refused", "failed"]


@dataclass(frozen=True)
class AuditEntry:
    """One line of the log.

    Attributes:
        time: When, in UTC, as ISO 8601 with milliseconds.
        user: The person's identifier from the sign-in provider; "" where nobody signed in.
        name: What pages call the person; of a command, the system's account.
        role: The person's role then.
        door: "page" or "cli".
        action: What was asked for.
        result: "allowed", "refused" by the policy, or "failed" by an error.
        target: What it was done to: the id of a run, the fingerprint of a dataset; "" for nothing in particular.
        count: Of how many things; None if that says nothing.
    """

    time: str
    user: str
    name: str
    role: str
    door: str
    action: str
    result: str
    target: str = ""
    count: int | None = None


def write(action: str, result: Result, target: str = "", count: int | None = None) -> None:
    """Add a line about the one who acts now.

    If the disk is full, the line goes into brainseg's own log instead: what frees space must still work.
    """
    actor = current()
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = AuditEntry(
        moment, actor.owner.subject, actor.owner.name, actor.role, actor.door, action, result, target, count
    )
    line = json.dumps({name: value for name, value in asdict(entry).items() if value is not None}, ensure_ascii=False)
    try:
        _append(line)
    except (BrainsegError, OSError) as error:
        LOGGER.error("The audit log cannot be written (%s): %s", error, line)


def _append(line: str) -> None:
    file = paths.home() / FILE
    with _lock(), full_disk_as_disk_error(file):
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
        try:
            # A power cut may have left a line without its end.
            torn = (size := os.fstat(handle).st_size) > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, f"{chr(10) * torn}{line}\n".encode())
        finally:
            os.close(handle)


def note_visit(visit: str) -> None:
    """Add a line about a visitor who has signed in, once per visit and process: each tab opens a session."""
    if visit not in _visits:
        _visits.add(visit)
        write("sign-in", "allowed")


_visits: set[str] = set()


def entries(since: datetime | None = None, user: str = "") -> Iterator[AuditEntry]:
    """Give the lines of the log, oldest first; a line that cannot be read is left out.

    Args:
        since: Only from then on.
        user: Only of a person, by identifier or name, whatever the case.
    """
    wanted = user.casefold()
    for entry in map(_parsed, _lines(paths.place(FILE))):
        if entry is None or (since and datetime.fromisoformat(entry.time) < since):
            continue
        if not wanted or wanted in (entry.user.casefold(), entry.name.casefold()):
            yield entry


def remove_before(moment: datetime) -> None:
    """Remove the lines from before a moment; lines that cannot be read stay.

    Raises:
        DiskError: The disk is full.
    """
    file = paths.home() / FILE
    with _lock():
        kept = [line for line in _lines(file) if not _is_before(line, moment)]
        text = "".join(f"{line}\n" for line in kept)
        write_atomically(file, lambda temporary: temporary.write_text(text, "utf-8"), mode=PRIVATE)


def count_before(moment: datetime) -> tuple[int, datetime | None]:
    """Return how many lines are from before a moment, and the time of the first of them."""
    found = [entry for line in _lines(paths.place(FILE)) if _is_before(line, moment) and (entry := _parsed(line))]
    return len(found), datetime.fromisoformat(found[0].time) if found else None


def _is_before(line: str, moment: datetime) -> bool:
    entry = _parsed(line)
    return entry is not None and datetime.fromisoformat(entry.time) < moment


def _lock() -> FileLock:
    return FileLock(paths.home() / f".{FILE}.lock")


def _lines(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            yield from (line.rstrip("\n") for line in stream if line.strip())
    except FileNotFoundError:
        return


def _parsed(line: str) -> AuditEntry | None:
    try:
        entry = AuditEntry(**json.loads(line))
        return entry if datetime.fromisoformat(entry.time).tzinfo else None
    except (ValueError, TypeError, RecursionError):
        return None
