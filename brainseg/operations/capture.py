"""A home as it is at one moment, while trainings and the dashboard go on.

Databases are copied with SQLite's own backup. Files get a second name (a hard link) in a hidden folder of the home:
that takes no space, and whatever is replaced or deleted afterwards, the second name still leads to the old content.
Meanwhile the queue and the list of datasets are locked, for a few seconds per 100,000 files. So no run changes between
the copy of its database and the capture of its files: a run that the database calls finished has all of them, and one
that it calls running has a checkpoint that fits its state.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from brainseg import paths
from brainseg.datasets.registry import list_lock
from brainseg.errors import DataError
from brainseg.files import check_free_space, sqlite_copy
from brainseg.jobs.lock import queue_lock

LEFT_OUT = ("cache", "jobs", "sessions")
"""Folders of a home that brainseg makes again: prepared images, the locks and logs of workers, and what keeps visitors
signed in: whoever has its secret could enter as anybody."""
DATABASES = {".db", ".sqlite"}
_CAPTURE = ".backup-"
_TRIES = 50
_UNFINISHED = re.compile(r"\.(?:.*\.)?partial.*|\..+\.[a-z0-9_]{8}|.*\.lock")
"""Names of what is still being written, of what a killed process left, and of locks."""
_LOG_OF_DATABASE = re.compile(r".*\.(?:db|sqlite)-(?:wal|shm|journal)")


@dataclass(frozen=True)
class CapturedFile:
    """A file of a home.

    Attributes:
        name: Its path below the home, with slashes.
        place: Where its content can be read.
        size: Bytes that belong to it: a log may have grown since.
        modified: When it was last modified, in seconds since 1970.
    """

    name: str
    place: Path
    size: int
    modified: float


@contextmanager
def only_backup(home: Path) -> Iterator[None]:
    """Let no other backup of the open home be made meanwhile.

    Raises:
        DataError: One is being made.
    """
    lock = FileLock(paths.subfolder("jobs") / "backup.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise DataError(f"Another backup of {home} is being made: wait until it has ended.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def captured_home(home: Path) -> Iterator[list[CapturedFile]]:
    """Give the files of a home as they are now, ordered by name; they can be read until the `with` block ends.

    Links are followed. What lies in `LEFT_OUT`, locks and unfinished files are left out. Call it in `only_backup`.

    Raises:
        DataError: A database is damaged, or a folder does not stand still.
        DiskError: The disk is full.
    """
    for left in home.glob(f"{_CAPTURE}*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=home, prefix=_CAPTURE))
    try:
        with queue_lock(), list_lock():
            found = [*_databases(home, folder), *_folder(home, folder, "", frozenset())]
        yield sorted(found, key=lambda file: file.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _databases(home: Path, folder: Path) -> Iterator[CapturedFile]:
    """Copy the databases, before any other file is captured."""
    for file in sorted(home.iterdir()):
        if file.suffix in DATABASES and file.is_file():
            copy = folder / file.name
            check_free_space(folder, file.stat().st_size, f"The copies of {file.name}")
            try:
                with closing(sqlite3.connect(file)) as database:
                    database.execute("PRAGMA schema_version")  # names a damaged file before anything is copied
                sqlite_copy(file, copy)
            except sqlite3.Error as error:
                raise DataError(
                    f"{file} cannot be copied ({error}): if it is damaged, put back an earlier copy, or move it away."
                ) from error
            state = copy.stat()
            yield CapturedFile(file.name, copy, state.st_size, file.stat().st_mtime)


def _folder(source: Path, into: Path, name: str, above: frozenset[tuple[int, int]]) -> Iterator[CapturedFile]:
    """Capture the files of a folder and of those below it.

    Args:
        source: The folder.
        into: An existing folder for the second names.
        name: Path of the folder below the home, with a slash at its end; "" for the home.
        above: The folders that this one is in, by device and inode: a link may lead back to one of them.
    """
    try:
        state = source.stat()
    except OSError:  # deleted meanwhile
        return
    if (itself := (state.st_dev, state.st_ino)) in above:
        return
    files = _still(source, into, name)
    yield from files
    for entry in sorted(_entries(source, name), key=lambda entry: entry.name):
        if entry.is_dir():
            inside = into / entry.name
            inside.mkdir()
            yield from _folder(Path(entry.path), inside, f"{name}{entry.name}/", above | {itself})


def _still(source: Path, into: Path, name: str) -> list[CapturedFile]:
    """Capture the files of one folder that belong together: again if one was replaced in between."""
    for _ in range(_TRIES):
        before = _files(source, name)
        found = [captured for entry in before.values() if (captured := _captured(entry, into, name))]
        if _inodes(_files(source, name)) == _inodes(before):
            return found
        for captured in found:
            captured.place.unlink()
    raise DataError(f"{source} changes too fast to be captured: try again when less is being written to it.")


def _captured(entry: os.DirEntry[str], into: Path, name: str) -> CapturedFile | None:
    second = into / entry.name
    try:
        state = entry.stat()
        try:
            os.link(os.path.realpath(entry.path) if entry.is_symlink() else entry.path, second)
        except FileNotFoundError:
            raise
        except OSError:  # the disk knows no second names, or a link leads to another disk
            shutil.copy2(entry.path, second)
    except FileNotFoundError:  # deleted meanwhile
        return None
    return CapturedFile(f"{name}{entry.name}", second, state.st_size, state.st_mtime)


def _files(source: Path, name: str) -> dict[str, os.DirEntry[str]]:
    return {entry.name: entry for entry in _entries(source, name) if entry.is_file()}


def _inodes(entries: dict[str, os.DirEntry[str]]) -> dict[str, int]:
    """Return numbers that change when a file is replaced; they come with the list of a folder, at no further cost."""
    return {name: entry.inode() for name, entry in entries.items()}


def _entries(source: Path, name: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(source) as found:
            return [entry for entry in found if _belongs(entry, name)]
    except (FileNotFoundError, NotADirectoryError):  # deleted meanwhile
        return []


def _belongs(entry: os.DirEntry[str], name: str) -> bool:
    if _UNFINISHED.fullmatch(entry.name):
        return False
    if name:
        return True
    database = Path(entry.name).suffix in DATABASES or _LOG_OF_DATABASE.fullmatch(entry.name)
    return not (entry.name in LEFT_OUT or entry.name.startswith(".") or database)
