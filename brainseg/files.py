"""Files that are whole or absent: atomic writes and content hashes."""

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
"""What every larger write leaves free on its disk, unless `BRAINSEG_KEEP_FREE_MB` says otherwise."""

# A limit on the size of files, as a quota may set it, counts as a full disk.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large", "database or disk is full")


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def free_space(place: Path) -> str:
    """Return the free space of a place's disk in words."""
    return _size(_free(place))


def check_room(place: Path, needed: float, what: str) -> None:
    """Refuse to begin what would fill the disk; some space is kept free for everything else on it.

    Args:
        place: A file or folder on the disk, perhaps yet to be made.
        needed: In bytes.
        what: What needs it, as the subject of a sentence in the plural.

    Raises:
        DiskError: There is not enough.
    """
    kept = 1e6 * paths.limit("BRAINSEG_KEEP_FREE_MB", KEPT_FREE_MB)
    if needed + kept > _free(place):
        raise DiskError(
            f"{what} need {_size(needed)}, and the disk of {place} has {_size(_free(place))} free, of which "
            f"{_size(kept)} stay free (BRAINSEG_KEEP_FREE_MB): make room, or set BRAINSEG_HOME to another disk."
        )


@contextmanager
def full_disk_told(place: Path, needed: float | None = None) -> Iterator[None]:
    """Turn the fault of a full disk into one sentence; any other fault passes through.

    Args:
        place: What is written.
        needed: How many bytes that is, if it is known.

    Raises:
        DiskError: The disk is full.
    """
    try:
        yield
    except BrainsegError:  # it has its sentence already
        raise
    except Exception as error:  # safetensors and others have their own, which name the system's fault in words
        if not _means_full(error, place):
            raise
        what = f"{_size(needed)} are needed" if needed else "more is needed"
        raise DiskError(
            f"{place} cannot be written, since its disk is full: {what}, and {free_space(place)} are free; make room, "
            "then try again."
        ) from error


def write_atomically(path: Path, write: Callable[[Path], object], size: float | None = None) -> None:
    """Have `write` fill a temporary file beside `path`, then put it in place in one step.

    A crash or a full disk at any moment leaves the old file as it was.

    Args:
        path: The file.
        write: Called with where to write.
        size: How many bytes that will be, if it is known.

    Raises:
        ConfigError: The home that this process stays with was moved away.
        DiskError: The disk is full.
    """
    paths.refuse_if_moved()
    with full_disk_told(path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _means_full(error: Exception, place: Path) -> bool:
    if getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS):
        return True
    return "disk I/O error" in str(error) and _free(place) < 1e6  # what SQLite says when its log finds no room


def _free(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of writers of `path` that were killed; call it only while nobody else may write."""
    for file in path.parent.iterdir():
        if file.name.startswith(f".{path.name}."):
            file.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write `value` as indented JSON, atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), len(text))


def sqlite_copy(file: Path, copy: Path) -> None:
    """Copy an SQLite database as it is at one moment, with what is still in its log, whole or not at all."""

    def write(temporary: Path) -> None:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(temporary)) as target:
            source.backup(target)

    write_atomically(copy, write)
