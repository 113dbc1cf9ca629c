"""Atomic writes, checks for a full disk, and content hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from brainseg import paths
from brainseg.errors import BrainsegError, DiskError

KEPT_FREE_MB = 200.0
"""Space that larger writes leave free on the disk, unless `BRAINSEG_KEEP_FREE_MB` sets another value."""

# A limit on file sizes, for example from a quota, counts as a full disk.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large", "database or disk is full")


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_state(file: Path) -> tuple[int, int] | None:
    """Return when a file was last modified, in ns since 1970, and its size in bytes; None if there is no such file.

    In one step: a file that is there may be gone a moment later, when another process deletes it.
    """
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def free_space(place: Path) -> str:
    """Return the free space on the disk of `place` as text, with a unit."""
    return _size(_free(place))


def check_free_space(place: Path, needed: float, what: str) -> None:
    """Raise an error if a write would fill the disk; some space stays free for everything else on it.

    Args:
        place: A file or folder on the disk; it need not exist yet.
        needed: Size of the write in bytes.
        what: What needs the space, as the plural subject of a sentence.

    Raises:
        DiskError: There is not enough space.
    """
    kept = kept_free()
    if needed + kept > _free(place):
        raise DiskError(
            f"{what} need {_size(needed)}, but the disk of {place} has only {_size(_free(place))} free, of which "
            f"{_size(kept)} must stay free (BRAINSEG_KEEP_FREE_MB): free some space, or set BRAINSEG_HOME to another "
            "disk."
        )


def refuse_if_disk_is_full(place: Path, what: str) -> None:
    """Refuse work that writes to a disk on which no more may be written than is there.

    Larger writes whose size is known are checked by `check_free_space`; this is for work that has yet to find out.

    Args:
        place: A file or folder on the disk; it need not exist yet.
        what: The work, as the singular subject of a sentence.

    Raises:
        DiskError: Less space is free than must stay free.
    """
    kept = kept_free()
    if _free(place) < kept:
        raise DiskError(
            f"{what} cannot start, because the disk of {place} has only {free_space(place)} free, and {_size(kept)} "
            "must stay free (BRAINSEG_KEEP_FREE_MB): free some space, for example with `brainseg clean`."
        )


def kept_free() -> float:
    """Return the bytes that must stay free on a disk.

    Raises:
        ConfigError: `BRAINSEG_KEEP_FREE_MB` is not a number, or is negative.
    """
    return 1e6 * paths.limit("BRAINSEG_KEEP_FREE_MB", KEPT_FREE_MB)


@contextmanager
def full_disk_as_disk_error(place: Path, needed: float | None = None) -> Iterator[None]:
    """Turn the error of a full disk into a `DiskError`; any other error passes through.

    Args:
        place: The file or folder that is written.
        needed: Its size in bytes, if known.

    Raises:
        DiskError: The disk is full.
    """
    try:
        yield
    except BrainsegError:  # it already has a message for users
        raise
    except Exception as error:  # safetensors and others raise their own errors, which contain the system's message
        if not _is_full_disk(error, place):
            raise
        what = f"it needs {_size(needed)}" if needed else "it needs more space"
        raise DiskError(
            f"{place} cannot be written because its disk is full: {what}, and {free_space(place)} are free; free some "
            "space, then try again."
        ) from error


def write_atomically(path: Path, write: Callable[[Path], object], size: float | None = None, mode: int = 0o644) -> None:
    """Write a temporary file beside `path` with `write`, then replace `path` in one step.

    A crash or a full disk never damages the old file.

    Args:
        path: The file.
        write: Called with the path of the temporary file.
        size: Size of the file in bytes, if known.
        mode: Permissions of the file.

    Raises:
        ConfigError: This process is bound to a home folder that was moved.
        DiskError: The disk is full.
    """
    paths.refuse_if_moved()
    with full_disk_as_disk_error(path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def folder_in_one_step(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out`, and rename it at the end: a killed process leaves no half of a folder.

    Args:
        out: The folder to create; it may exist if it is empty.

    Raises:
        OSError: It cannot be written, or is not empty any more.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.partial-"))
    try:
        yield partial
        partial.chmod(0o755)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_full_disk(error: Exception, place: Path) -> bool:
    if getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS):
        return True
    return "disk I/O error" in str(error) and _free(place) < 1e6  # SQLite's message if there is no space for its log


def _free(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that killed writers of `path` left; call this only while no other process can write."""
    for file in path.parent.iterdir():
        if file.name.startswith(f".{path.name}."):
            file.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write `value` as indented JSON, atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), len(text))


def sqlite_copy(file: Path, copy: Path) -> None:
    """Copy an SQLite database atomically, as it is at one moment, including changes that are still in its log."""

    def write(temporary: Path) -> None:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(temporary)) as target:
            source.backup(target)

    write_atomically(copy, write)
