"""The log of answers: one SQLite file in the home folder, which any number of processes may write to."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from brainseg import paths
from brainseg.errors import BrainsegError, DataError
from brainseg.monitoring.record import AnswerRecord

FILE = "monitoring.sqlite"
SCHEMA = 2
"""Version of the table, in SQLite's `user_version`; tables of version 1 have no owners."""
WAIT = 5.0
"""Seconds to wait while another process writes."""
SWITCH = "BRAINSEG_MONITORING"
"""Environment variable; 0 keeps no log."""
COLUMNS = tuple(field.name for field in fields(AnswerRecord))
_LOG = logging.getLogger(__name__)
_TABLE = (
    "CREATE TABLE IF NOT EXISTS answers (time, source, model, bundle_digest, image_sha256, outcome, label, confidence, "
    "calibrated, in_domain, distance, owner)"
)
_INSERT = "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT * FROM answers WHERE time >= ? ORDER BY time, rowid"
_COUNT_BEFORE = "SELECT COUNT(*), MIN(time) FROM answers WHERE time < ?"
_INDEX = "CREATE INDEX IF NOT EXISTS answers_by_time ON answers (time)"


class AnswerLog:
    """The log of answers.

    Args:
        file: The SQLite file; by default that of the home folder.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or paths.home() / FILE

    def add(self, records: Iterable[AnswerRecord]) -> None:
        """Add answers, all or none of them.

        Raises:
            DataError: The file is damaged, or a newer brainseg wrote it.
        """
        with self._opened() as connection, connection:
            connection.execute(_TABLE)
            _add_owners(connection)
            connection.execute(_INDEX)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
            connection.executemany(_INSERT, map(astuple, records))

    def read(self, days: float | None = None, now: datetime | None = None) -> pd.DataFrame:
        """Return the answers of the last days, oldest first.

        Args:
            days: How many days; all answers by default.
            now: The end of these days; the time of the call by default.

        Returns:
            One row per answer, with the fields of `AnswerRecord` as columns: `time` as UTC timestamps, `confidence` and
            `distance` as float64 with NaN where they are None, `calibrated` as bool, `in_domain` as nullable boolean.

        Raises:
            DataError: The file is damaged, or a newer brainseg wrote it.
        """
        since = "" if days is None else ((now or datetime.now(UTC)) - timedelta(days=days)).isoformat()
        rows: list[tuple[object, ...]] = []
        if self.file.exists():
            with self._opened() as connection:
                if version := connection.execute("PRAGMA user_version").fetchone()[0]:
                    rows = connection.execute(_SELECT, (since,)).fetchall()
                    rows = [(*row, "") for row in rows] if version == 1 else rows
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        return table.assign(
            time=pd.to_datetime(table["time"], utc=True),
            confidence=table["confidence"].astype("float64"),
            distance=table["distance"].astype("float64"),
            calibrated=table["calibrated"].astype(bool),
            in_domain=table["in_domain"].map({0: False, 1: True}).astype("boolean"),
        )

    def count_before(self, moment: datetime) -> tuple[int, datetime | None]:
        """Return the number of answers before a time, and the time of the first; None if there is none.

        Raises:
            DataError: The file is damaged, or a newer brainseg wrote it.
        """
        if not self.file.exists():
            return 0, None
        with self._opened() as connection:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                return 0, None
            count, first = connection.execute(_COUNT_BEFORE, (_text(moment),)).fetchone()
        return count, datetime.fromisoformat(first) if first else None

    def remove_before(self, moment: datetime) -> None:
        """Delete the answers before a time.

        Raises:
            DataError: The file is damaged, or a newer brainseg wrote it.
        """
        if self.count_before(moment)[0]:
            with self._opened() as connection:
                with connection:
                    connection.execute("DELETE FROM answers WHERE time < ?", (_text(moment),))
                connection.execute("VACUUM")  # as for `clear`

    def clear(self) -> None:
        """Delete all answers."""
        if self.file.exists():
            with self._opened() as connection:
                connection.execute("DROP TABLE IF EXISTS answers")
                connection.execute("PRAGMA user_version = 0")
                connection.execute("VACUUM")  # deleted rows would otherwise stay in the file

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.file, timeout=WAIT)) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > SCHEMA:
                    raise DataError(
                        f"{self.file} was written by a newer brainseg (schema {version}, and this version reads up to "
                        f"{SCHEMA}): install a newer brainseg."
                    )
                yield connection
        except sqlite3.OperationalError as error:
            raise DataError(f"{self.file} cannot be used ({error}): check the folder, or try again.") from error
        except sqlite3.DatabaseError as error:
            raise DataError(f"{self.file} is damaged ({error}): move it away, and a new log begins.") from error


def _add_owners(connection: sqlite3.Connection) -> None:
    """Give a table of version 1 the column with the owners."""
    if "owner" not in {row[1] for row in connection.execute("PRAGMA table_info(answers)")}:
        connection.execute("ALTER TABLE answers ADD COLUMN owner DEFAULT ''")


def _text(moment: datetime) -> str:
    """Return a time as the log writes it; such texts sort like the times."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def log_answers(records: Iterable[AnswerRecord]) -> None:
    """Add answers to the log of the home folder, unless `BRAINSEG_MONITORING` is 0.

    An answer is never lost because it cannot be logged: a failure only becomes a warning in brainseg's own log.
    """
    if os.environ.get(SWITCH, "") == "0":
        return
    try:
        AnswerLog().add(records)
    except (BrainsegError, OSError) as error:
        _LOG.warning("An answer was not added to the monitoring log: %s", error)
