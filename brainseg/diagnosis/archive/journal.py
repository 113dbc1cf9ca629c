"""The journal of an archive: its files and the answers so far, in one SQLite file beside the output.

SQLite makes every step all or nothing: a process that is killed while it writes leaves the state before that step. It
also keeps the file locked as long as it is open, so two commands never write the same one.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from brainseg.datasets.listing import spelled
from brainseg.diagnosis.archive.listing import Listed
from brainseg.errors import ConfigError, DataError
from brainseg.files import full_disk_as_disk_error

SUFFIX = ".unfinished"
"""What the name of a journal adds to that of its output."""
SCHEMA = 1
"""Version of the tables, in SQLite's `user_version`."""
PAGE = 1024
"""Files that are taken from the journal at a time."""
_OURS = 0x42535241
"""The number in SQLite's header by which a journal is told from other databases."""
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE files (id INTEGER PRIMARY KEY, path BLOB NOT NULL, size INTEGER, changed INTEGER, fault TEXT)",
    "CREATE TABLE answers (id INTEGER PRIMARY KEY, failed INTEGER NOT NULL, cells TEXT NOT NULL)",
)
_NOW = "CREATE TEMP TABLE now (path BLOB PRIMARY KEY, size INTEGER, changed INTEGER, fault TEXT) WITHOUT ROWID"
_STORE = "INSERT INTO files (path, size, changed, fault) SELECT path, size, changed, fault FROM now ORDER BY path"
_DIFFERENCES = {
    "added": "SELECT path FROM now EXCEPT SELECT path FROM files",
    "removed": "SELECT path FROM files EXCEPT SELECT path FROM now",
    "changed": "SELECT path FROM files JOIN now USING (path) "
    "WHERE files.size <> now.size OR files.changed <> now.changed",
}


class File(NamedTuple):
    """A file that has no answer yet: its number from 1 in the order of paths, its relative path, and its fault."""

    number: int
    path: str
    fault: str


class Answered(NamedTuple):
    """The answer for a file: its number, whether there is only an error, and its cells by column."""

    number: int
    failed: bool
    cells: Mapping[str, object]


class Counts(NamedTuple):
    """How many files there are, how many of them are done, and for how many of these there is only an error."""

    files: int
    done: int
    failed: int


def journal_of(out: Path) -> Path:
    """Return the place of the journal for an output.

    >>> journal_of(Path("answers.csv")).name
    'answers.csv.unfinished'
    """
    return out.with_name(out.name + SUFFIX)


class Journal:
    """An open journal, which no other process can open; see `open_journal`."""

    def __init__(self, file: Path, database: sqlite3.Connection) -> None:
        self.file = file
        self._database = database

    def facts(self) -> dict[str, str] | None:
        """Return what the answers depend on, as it was stored; None if the files were not listed to the end."""
        if not self._database.execute("PRAGMA user_version").fetchone()[0]:
            return None
        return dict(self._database.execute("SELECT name, value FROM facts").fetchall())

    def begin(self, facts: Mapping[str, str], files: Iterable[Listed]) -> None:
        """Store what the answers depend on, and all files in the order of their paths, in one step."""
        self._list(files)
        with self._step():
            for table in _TABLES:
                self._database.execute(table)
            self._database.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
            self._database.execute(_STORE)
            self._database.execute(f"PRAGMA application_id = {_OURS}")
            self._database.execute(f"PRAGMA user_version = {SCHEMA}")

    def differences(self, files: Iterable[Listed]) -> str:
        """Return in words how the files differ from the stored ones; "" if they do not."""
        self._list(files)
        found, example = [], ""
        for what, question in _DIFFERENCES.items():
            count = self._database.execute(f"SELECT COUNT(*) FROM ({question})").fetchone()[0]  # noqa: S608 - ours
            if count:
                found.append(f"{count:,} {what}")
                example = example or self._database.execute(f"{question} ORDER BY path LIMIT 1").fetchone()[0]
        return f"{', '.join(found)}; for example {spelled(os.fsdecode(example))}" if found else ""

    def pending(self) -> Iterator[File]:
        """Yield the files without an answer, in the order of their paths; `PAGE` of them are in memory."""
        last = self._database.execute("SELECT COALESCE(MAX(id), 0) FROM answers").fetchone()[0]
        question = f"SELECT id, path, fault FROM files WHERE id > ? ORDER BY id LIMIT {PAGE}"  # noqa: S608 - ours
        while page := self._database.execute(question, (last,)).fetchall():
            last = page[-1][0]
            yield from (File(number, spelled(os.fsdecode(path)), fault) for number, path, fault in page)

    def add(self, answers: Iterable[Answered]) -> None:
        """Add answers, all or none of them; afterwards they are on the disk."""
        rows = ((each.number, each.failed, json.dumps(each.cells, ensure_ascii=False)) for each in answers)
        with self._step():
            self._database.executemany("INSERT INTO answers VALUES (?, ?, ?)", rows)

    def counts(self) -> Counts:
        """Return how far the work is."""
        files = self._database.execute("SELECT COUNT(*) FROM files").fetchone()[0]
        done, failed = self._database.execute("SELECT COUNT(*), COALESCE(SUM(failed), 0) FROM answers").fetchone()
        return Counts(files, done, failed)

    def rows(self) -> Iterator[dict[str, object]]:
        """Yield the cells of all answers in the order of the files' paths."""
        for (cells,) in self._database.execute("SELECT cells FROM answers ORDER BY id"):
            yield json.loads(cells)

    def remove(self) -> None:
        """Delete the journal, once its output is written."""
        self.file.unlink(missing_ok=True)  # while it is locked, so that no other process begins to use it
        self._database.close()
        self.file.with_name(f"{self.file.name}-journal").unlink(missing_ok=True)

    def _list(self, files: Iterable[Listed]) -> None:
        self._database.execute(_NOW)
        with self._step():
            self._database.executemany("INSERT INTO now VALUES (?, ?, ?, ?)", files)

    @contextmanager
    def _step(self) -> Iterator[None]:
        self._database.execute("BEGIN EXCLUSIVE")
        try:
            yield
        except BaseException:
            self._database.rollback()
            raise
        self._database.execute("COMMIT")


@contextmanager
def open_journal(file: Path) -> Iterator[Journal]:
    """Open a journal, or make one, and keep it locked.

    Raises:
        ConfigError: Another process has it open.
        DataError: The file is damaged, is no journal, or a newer brainseg wrote it.
        DiskError: The disk is full.
    """
    try:
        with (
            full_disk_as_disk_error(file),
            closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as database,
        ):
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")  # takes the lock, and undoes the step in which a process was killed
            database.execute("COMMIT")
            _check(file, database)
            yield Journal(file, database)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise ConfigError(
                f"Another command is writing {file}: wait until it has ended, or name another file with --out."
            ) from error
        raise DataError(f"{file} cannot be used ({error}): check its folder, or name another with --out.") from error
    except sqlite3.DatabaseError as error:
        raise DataError(f"{file} is damaged ({error}): delete it, and begin again without --resume.") from error


def _check(file: Path, database: sqlite3.Connection) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    own = database.execute("PRAGMA application_id").fetchone()[0] == _OURS
    if not own and database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
        raise DataError(f"{file} is not a file of brainseg: move it away, or name another file with --out.")
    if version > SCHEMA:
        raise DataError(f"{file} was written by a newer brainseg: install that version to resume it.")
