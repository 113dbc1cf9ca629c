"""Tell whether the store in a SQLite file has changed.

The times of its files do not tell: SQLite writes a change to its log first, flushes it to the disk, and only then shows
it to readers. A reader that checks the times in between mistakes the old content for the new, and keeps it.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from threading import Lock


class Changes:
    """Watches one SQLite file, through a connection of its own; threads may share it.

    Args:
        file: The file. It may be replaced by another one, or be missing.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened = 0
        self._inode = -1

    def stamp(self) -> str:
        """Return a text that differs from all earlier ones if a change became visible since they were returned."""
        with self._lock:
            try:
                version = self._version()
                return f"{self._opened} {version}"
            except (OSError, sqlite3.Error):  # missing, damaged or locked: reading the store reports it
                self._close()
                return f"unknown {time.time_ns()}"

    def _version(self) -> int:
        inode = self._file.stat().st_ino
        if self._connection is None or inode != self._inode:
            self._close()
            self._connection = sqlite3.connect(f"{self._file.as_uri()}?mode=rw", uri=True, check_same_thread=False)
            self._opened, self._inode = self._opened + 1, inode
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
