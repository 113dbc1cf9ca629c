"""Zip files of images, unpacked so that nothing in them can leave the folder, fill the disk or run.

Headers are written by whoever made the file, so nothing rests on them: bytes are counted as they come out.
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

from brainseg.datasets.manifest import TABLES
from brainseg.errors import DataError
from brainseg.files import check_free_space
from brainseg.scans import SUFFIXES, display_name
from brainseg.scans.foreign import HEAD, Kind, foreign_kind

MAX_ENTRIES = 50_000
MAX_BYTES = 4 * 1024**3
MAX_RATIO = 100
RATIO_FREE = 64 * 1024**2
"""Bytes that may come out whatever the ratio: a few blank images pack very well."""

MAX_READ = 16 * 1024**2
"""The most that is read at once; a table of contents of 50,000 files with long names fits."""

MAX_NAME, MAX_PATH = 255, 1024
KEPT = SUFFIXES | TABLES
_CHUNK = 1024**2
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError)


def unpack_zip(
    source: BinaryIO, into: Path, progress: Callable[[int, int], None] | None = None
) -> dict[str, Kind | None]:
    """Write the images and tables of a zip file into a folder, in their folders.

    Every entry is checked before the first one is written. Hidden files, `__MACOSX` and files of other kinds, zip
    files among them, are left out.

    Args:
        source: The file, open for reading in binary mode and seekable.
        into: An empty folder. After an error it may hold a part of the files: the caller removes it.
        progress: Called with (files written, files in all).

    Returns:
        The files that were left out, without the hidden ones: their names and what they are, as far as that is known.

    Raises:
        DataError: It is no zip file, is damaged or encrypted, is too large, or has an entry that is not a plain file
            or that would lie outside the folder.
        DiskError: The disk has no room for them.
        OSError: The disk cannot be written to.
    """
    size = source.seek(0, 2)
    source.seek(0)
    try:
        with zipfile.ZipFile(_LimitedReader(source)) as archive:
            entries = _checked(archive.infolist())
            check_free_space(into, sum(entry.file_size for entry in entries), "The files of the zip file")
            budget = _Budget(size)
            for done, entry in enumerate(entries, start=1):
                _write(archive, entry, into, budget)
                if progress:
                    progress(done, len(entries))
            return {entry.filename: _kind(archive, entry) for entry in archive.infolist() if _is_foreign(entry)}
    except _DAMAGED as error:
        raise DataError("The file is no zip file, or is damaged: make it again and send it once more.") from error


def top_folder(folder: Path) -> Path:
    """Return the folder that holds the classes: inside single folders that are wrapped around them."""
    while len(items := list(folder.iterdir())) == 1 and items[0].is_dir() and _wraps(items[0]):
        folder = items[0]
    return folder


def _wraps(folder: Path) -> bool:
    return any(item.is_dir() or item.suffix.lower() in TABLES for item in folder.iterdir())


class _LimitedReader:
    """A file that refuses to be read in huge pieces.

    `zipfile` reads the table of contents in one piece, however large the file says it is, before anybody could count.
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
    """Counts what comes out of an archive of `size` bytes."""

    def __init__(self, size: int) -> None:
        self.size, self.written = size, 0

    def take(self, count: int) -> None:
        self.written += count
        if self.written > MAX_BYTES:
            raise _too_large()
        if self.written > max(RATIO_FREE, MAX_RATIO * self.size):
            raise DataError(
                f"The zip file unpacks to more than {MAX_RATIO} times its size, which images do not: it is refused."
            )


def _checked(entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Return the entries to write, after checking all of them."""
    if len(entries) > MAX_ENTRIES:
        raise _too_many()
    for entry in entries:
        _check_name(entry)
        _check_kind(entry)
    kept = [entry for entry in entries if not entry.is_dir() and not _left_out(entry.filename)]
    _check_distinct(kept)
    if sum(entry.file_size for entry in kept) > MAX_BYTES:
        raise _too_large()
    return kept


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    parts = name.split("/")
    faults = {
        "has a name with characters that no file can have": "\0" in name,
        "uses backslashes between folders, or in a name": "\\" in name,
        "starts at the top of a disk instead of in the zip file": name.startswith("/")
        or re.match(r"[A-Za-z]:", name) is not None,
        "leads out of its folder": ".." in parts,
        "has a name that is too long": len(name.encode("utf-8", "replace")) > MAX_PATH
        or any(len(part.encode("utf-8", "replace")) > MAX_NAME for part in parts),
    }
    for fault, found in faults.items():
        if found:
            raise DataError(f"The zip file is refused, since its entry {display_name(name)!r} {fault}: pack it again.")


def _check_kind(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    shown = display_name(entry.filename)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "no plain file"
        raise DataError(f"The zip file is refused, since its entry {shown!r} is {what}: pack the images themselves.")
    if entry.flag_bits & 0x1:
        raise DataError(f"The zip file is encrypted ({shown!r} is): pack it again without a password.")
    if entry.compress_type not in _METHODS:
        raise DataError(
            f"The zip file packs {shown!r} in an unusual way: pack it again with the usual method, deflate."
        )


def _left_out(name: str) -> bool:
    return _hidden(name) or PurePosixPath(name).suffix.lower() not in KEPT


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _is_foreign(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and not _hidden(entry.filename) and _left_out(entry.filename)


def _kind(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Kind | None:
    try:
        with archive.open(entry) as packed:
            return foreign_kind(packed.read(HEAD))
    except _DAMAGED:  # it is left out in any case
        return None


def _check_distinct(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse two names that some disks take for one, and files that others need as a folder."""
    seen: set[str] = set()
    for entry in entries:
        key = _folded(entry.filename)
        if key in seen:
            raise DataError(
                f"The zip file holds {display_name(entry.filename)!r} twice, if only in other letters: rename one."
            )
        seen.add(key)
    folders = {str(parent) for key in seen for parent in PurePosixPath(key).parents}
    if clash := sorted(seen & folders):
        raise DataError(f"The zip file has {display_name(clash[0])!r} both as a file and as a folder: rename one.")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", str(PurePosixPath(name))).casefold()


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path, budget: _Budget) -> None:
    target = into / entry.filename
    # The names were checked one by one; this holds whatever they were.
    if not target.resolve().is_relative_to(into.resolve()):
        raise DataError(f"The zip file is refused: {display_name(entry.filename)!r} leads out of its folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, target.open("xb") as stream:
        while chunk := packed.read(_CHUNK):
            budget.take(len(chunk))
            stream.write(chunk)


def _too_many() -> DataError:
    return DataError(f"The zip file holds more than {MAX_ENTRIES:,} entries: split it, or name a folder on the server.")


def _too_large() -> DataError:
    return DataError(f"The zip file unpacks to more than {MAX_BYTES // 1024**3} GB: name a folder on the server.")
