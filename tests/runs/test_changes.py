"""Changes of a store are seen once they are visible, whatever the times of its files say."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from brainseg.runs.changes import Changes


@pytest.fixture
def database(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE runs (status TEXT)")
        connection.commit()
        yield connection


def test_a_commit_is_a_change_even_if_no_file_looks_newer(tmp_path: Path, database: sqlite3.Connection) -> None:
    changes = Changes(tmp_path / "store.db")
    files = [tmp_path / "store.db", tmp_path / "store.db-wal"]
    before = changes.stamp()
    times = [(file.stat().st_atime_ns, file.stat().st_mtime_ns) for file in files]

    database.execute("INSERT INTO runs VALUES ('KILLED')")
    database.commit()
    for file, time in zip(files, times, strict=True):
        os.utime(file, ns=time)

    assert changes.stamp() != before


def test_what_is_written_but_not_committed_is_no_change_yet(tmp_path: Path, database: sqlite3.Connection) -> None:
    """A page that lists in between must list again after the commit: times of files would not tell it to."""
    changes = Changes(tmp_path / "store.db")
    before, size = changes.stamp(), (tmp_path / "store.db-wal").stat().st_size
    database.execute("PRAGMA cache_size=1")
    database.executemany("INSERT INTO runs VALUES (?)", [("x" * 5000,)] * 100)
    assert (tmp_path / "store.db-wal").stat().st_size > size

    written = changes.stamp()
    database.commit()

    assert written == before
    assert changes.stamp() != written


def test_without_a_change_the_stamp_stays(tmp_path: Path, database: sqlite3.Connection) -> None:
    changes = Changes(tmp_path / "store.db")

    assert changes.stamp() == changes.stamp()


def test_another_file_in_its_place_is_a_change(tmp_path: Path, database: sqlite3.Connection) -> None:
    changes = Changes(tmp_path / "store.db")
    before = changes.stamp()
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE runs (status TEXT)")
    (tmp_path / "other.db").replace(tmp_path / "store.db")

    assert changes.stamp() != before


def test_a_missing_or_damaged_file_never_counts_as_unchanged(tmp_path: Path) -> None:
    for content in (None, b"no database" * 100):
        file = tmp_path / "store.db"
        if content:
            file.write_bytes(content)
        changes = Changes(file)
        assert changes.stamp() != changes.stamp()
    assert not (tmp_path / "gone.db").exists()
