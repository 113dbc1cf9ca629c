"""The log of a reader study: `log.jsonl`, which is only ever appended to, by one process at a time.

Each append first checks the whole chain, decides under the lock what may follow, and forces the new lines to the disk.
A process that is killed while it writes leaves at most an incomplete last line. The next append moves it into a file of
its own, records that, and continues the chain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from brainseg import paths
from brainseg.errors import ReadingError
from brainseg.files import full_disk_as_disk_error, sha256_bytes
from brainseg.reading.chain import Chain, link, read_chain
from brainseg.reading.events import Event, LineSetAside, event_of, fields_of
from brainseg.users.policy import Act, check

FILE = "log.jsonl"


class StudyLog:
    """The log in the folder of a study.

    Args:
        folder: The folder of the study.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._lock = folder / f".{FILE}.lock"

    def check(self) -> Chain:
        """Return the chain as it is, broken or not.

        Raises:
            ReadingError: The log is missing or cannot be read.
        """
        try:
            return read_chain(self.file.read_bytes())
        except OSError as error:
            raise ReadingError(
                f"The log {self.file} cannot be read ({error.strerror}): put it back from a copy."
            ) from error

    def events(self) -> list[Event]:
        """Return all events, oldest first; an incomplete last line is none.

        Raises:
            ReadingError: The log is missing, its chain is broken, or a newer brainseg wrote it.
        """
        return _events(self.check(), self.file)

    def append(self, decide: Callable[[list[Event]], Iterable[Event]]) -> list[Event]:
        """Append events that follow from those that are there, while no other process can append.

        Args:
            decide: Called with all events so far; returns those to append, or raises an error if they may not follow.

        Returns:
            All events, with the new ones.

        Raises:
            ReadingError: As for `events`.
            DiskError: The disk is full.
            AccessError: The role of the one who asks does not allow it.
        """
        check(Act.READ)
        paths.refuse_if_moved()
        with FileLock(self._lock):
            chain = self.check()
            events = _events(chain, self.file)
            new = list(decide(events))
            if not new:
                return events
            if chain.rest:
                new.insert(0, self._set_aside(chain.rest))
            return events + self._write(chain, new)

    def _write(self, chain: Chain, events: Sequence[Event]) -> list[Event]:
        """Append events to a chain that ends with a whole line, and force them to the disk."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines, head = b"", chain.head
        stamped = [event.model_copy(update={"time": time}) for event in events]
        for number, event in enumerate(stamped, start=len(chain.entries) + 1):
            line, head = link(number, head, fields_of(event))
            lines += line + b"\n"
        with full_disk_as_disk_error(self.file, len(lines)), self.file.open("ab") as stream:
            stream.write(lines)
            stream.flush()
            os.fsync(stream.fileno())
        return stamped

    def _set_aside(self, rest: bytes) -> LineSetAside:
        """Move an incomplete last line into a file of its own."""
        digest = sha256_bytes(rest)
        aside = self.file.with_name(f"incomplete-line-{digest[:12]}.txt")
        with full_disk_as_disk_error(aside, len(rest)), aside.open("wb") as stream:
            stream.write(rest)
            stream.flush()
            os.fsync(stream.fileno())
        with self.file.open("r+b") as stream:
            stream.truncate(self.file.stat().st_size - len(rest))
            os.fsync(stream.fileno())
        return LineSetAside(file=aside.name, bytes=len(rest), sha256=digest)


def start_log(folder: Path, event: Event) -> None:
    """Write the first line of a new study's log.

    Args:
        folder: The folder of the study, which no other process knows yet.
        event: That the study was made.
    """
    log = StudyLog(folder)
    log.file.touch(exist_ok=False)
    log.append(lambda _: [event])


def broken_sentence(number: int, why: str) -> str:
    """Return the sentence that names the first broken line of a log."""
    return (
        f"The log is broken at line {number}: {why}. Do not use its results: compare it with an exported copy, or make "
        "a new study."
    )


def _events(chain: Chain, file: Path) -> list[Event]:
    if chain.broken:
        number, why = chain.broken
        raise ReadingError(
            f"The log {file} is broken at line {number}: {why}. Nothing can be added to it: compare it with an "
            "exported copy, or make a new study."
        )
    return [event_of(entry, number) for number, entry in enumerate(chain.entries, start=1)]
