"""Unpack zip files safely: nothing in them can leave the folder, fill the disk or run.

Headers in a zip file may lie, so no limit relies on them: bytes are counted while they are unpacked.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from brainseg.errors import DataError
from brainseg.files import check_free_space
from brainseg.scans.foreign import HEAD, Kind, foreign_kind
from brainseg.scans.names import display_name

MAX_ENTRIES = 50_000
MAX_BYTES = 4 * 1024**3
MAX_RATIO = 100
RATIO_FREE = 64 * 1024**2
"""Bytes that may be unpacked at any ratio: a few blank images compress very well."""

MAX_READ = 16 * 1024**2
"""Most bytes that are read at once; enough for the table of contents of 50,000 files with long names."""

MAX_NAME, MAX_PATH = 255, 1024
_CHUNK = 1024**2
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError)


def unpack_zip(
    source: BinaryIO,
    into: Path,
    suffixes: frozenset[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Kind | None]:
    """Write the files of a zip file into a folder, with their subfolders.

    All entries are checked before the first one is written. Hidden files, `__MACOSX` and files with other extensions
    are left out.

    Args:
        source: The file, open for reading in binary mode and seekable.
        into: An empty folder. After an error it may contain some of the files; the caller removes it.
        suffixes: Extensions of the files to write, in lower case with their dot; None for all files.
        progress: Called with (files written, files in all).

    Returns:
        The names of the files that were left out, without the hidden ones -> their kind, if known.

    Raises:
        DataError: It is not a zip file, is damaged or encrypted, is too large, or has an entry that is not a plain file
            or that would be outside the folder.
        DiskError: The disk has too little space.
        OSError: The disk cannot be written to.
    """
    size = source.seek(0, 2)
    source.seek(0)
    try:
        with zipfile.ZipFile(_LimitedReader(source)) as archive:
            entries = _checked(archive.infolist(), suffixes)
            check_free_space(into, sum(entry.file_size for entry in entries), "The files of the zip file")
            budget = _Budget(size)
            for done, entry in enumerate(entries, start=1):
                _write(archive, entry, into, budget)
                if progress:
                    progress(done, len(entries))
            return {entry.filename: _kind(archive, entry) for entry in _foreign(archive, suffixes)}
    except _DAMAGED as error:
        raise DataError("The file is not a zip file, or it is damaged: create it again and upload it again.") from error


class _LimitedReader:
    """A file that refuses to be read in huge pieces.

    `zipfile` reads the whole table of contents at once, of whatever size the file claims, before it can be checked.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.seek, self.tell, self.seekable = source.seek, source.tell, source.seekable

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(MAX_READ + 1 if size < 0 else min(size, MAX_READ + 1))
        if len(data) > MAX_READ:
            raise _too_many()
        return data


class _Budget:
    """Count the bytes that are unpacked from an archive of `size` bytes."""

    def __init__(self, size: int) -> None:
        self.size, self.written = size, 0

    def take(self, count: int) -> None:
        self.written += count
        if self.written > MAX_BYTES:
            raise _too_large()
        if self.written > max(RATIO_FREE, MAX_RATIO * self.size):
            raise DataError(
                f"The zip file unpacks to more than {MAX_RATIO} times its size, which images never do: pack it again."
            )


def _checked(entries: list[zipfile.ZipInfo], suffixes: frozenset[str] | None) -> list[zipfile.ZipInfo]:
    """Check all entries and return those to write."""
    if len(entries) > MAX_ENTRIES:
        raise _too_many()
    for entry in entries:
        _check_name(entry)
        _check_kind(entry)
    kept = [entry for entry in entries if not entry.is_dir() and not _left_out(entry.filename, suffixes)]
    _check_distinct(kept)
    if sum(entry.file_size for entry in kept) > MAX_BYTES:
        raise _too_large()
    return kept


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    parts = name.split("/")
    faults = {
        "has a name with invalid characters": "\0" in name,
        "has a path with backslashes": "\\" in name,
        "has an absolute path": name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None,
        "has a path that leaves the folder": ".." in parts,
        "has a name that is too long": len(name.encode("utf-8", "replace")) > MAX_PATH
        or any(len(part.encode("utf-8", "replace")) > MAX_NAME for part in parts),
    }
    for fault, found in faults.items():
        if found:
            raise DataError(f"The zip file is refused because its entry {display_name(name)!r} {fault}: pack it again.")


def _check_kind(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    shown = display_name(entry.filename)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "not a plain file"
        raise DataError(f"The zip file is refused because its entry {shown!r} is {what}: pack the images themselves.")
    if entry.flag_bits & 0x1:
        raise DataError(f"The zip file is encrypted (entry {shown!r}): pack it again without a password.")
    if entry.compress_type not in _METHODS:
        raise DataError(
            f"The zip file uses an unusual compression method for {shown!r}: pack it again with the usual one, deflate."
        )


def _left_out(name: str, suffixes: frozenset[str] | None) -> bool:
    return _hidden(name) or (suffixes is not None and PurePosixPath(name).suffix.lower() not in suffixes)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _foreign(archive: zipfile.ZipFile, suffixes: frozenset[str] | None) -> list[zipfile.ZipInfo]:
    """Return the files that are left out for their extension."""
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not _hidden(entry.filename)]
    return [entry for entry in files if _left_out(entry.filename, suffixes)]


def _kind(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Kind | None:
    try:
        with archive.open(entry) as packed:
            return foreign_kind(packed.read(HEAD))
    except _DAMAGED:  # the entry is left out anyway
        return None


def _check_distinct(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse two names that some disks treat as the same, and names that are both a file and a folder."""
    seen: set[str] = set()
    for entry in entries:
        key = _folded(entry.filename)
        if key in seen:
            raise DataError(
                f"The zip file contains {display_name(entry.filename)!r} twice (case does not count): rename one."
            )
        seen.add(key)
    folders = {str(parent) for key in seen for parent in PurePosixPath(key).parents}
    if clash := sorted(seen & folders):
        raise DataError(f"The zip file has {display_name(clash[0])!r} both as a file and as a folder: rename one.")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", str(PurePosixPath(name))).casefold()


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path, budget: _Budget) -> None:
    target = into / entry.filename
    # The names were checked one by one; this is a second check on the resolved path.
    if not target.resolve().is_relative_to(into.resolve()):
        raise DataError(
            f"The zip file is refused because the path of {display_name(entry.filename)!r} leaves the folder: pack it "
            "again."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, target.open("xb") as stream:
        while chunk := packed.read(_CHUNK):
            budget.take(len(chunk))
            stream.write(chunk)


def _too_many() -> DataError:
    return DataError(
        f"The zip file contains more than {MAX_ENTRIES:,} entries: split it, or add a folder of the server instead."
    )


def _too_large() -> DataError:
    return DataError(
        f"The zip file unpacks to more than {MAX_BYTES // 1024**3} GB: split it, or add a folder of the server instead."
    )
