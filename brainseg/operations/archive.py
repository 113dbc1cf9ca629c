"""Reads a backup from its first byte to its last, and refuses whatever a backup of brainseg does not have.

An archive may come from anywhere. Only plain files with plain names below `home/` are accepted: no links, no devices,
no folders, no name twice, no absolute name and none with `..`. Their number and size must be those of the manifest,
which comes first, so an archive cannot grow beyond what was announced, and each content must have its announced hash.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from brainseg.errors import DataError
from brainseg.operations.capture import LEFT_OUT
from brainseg.operations.manifest import CHECKSUMS, HOME, MANIFEST, Manifest, checksum_line, read_manifest

_CHUNK = 1 << 20
_LONGEST_MANIFEST = 16 << 20
_LONGEST_HEADER = 1 << 20
"""Bytes of an extended tar header, which is read into memory: it holds little but the name of a file."""
_LONGEST_NAME = 4096
_LONGEST_PADDING = 1 << 20
_SPECIAL = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class _Entry(tarfile.TarInfo):
    """A header that refuses to be extended without bound."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:  # noqa: ANN401 - tarfile's hook for subclasses
        if self.type in _SPECIAL and self.size > _LONGEST_HEADER:
            raise DataError("an entry has a name of more than a megabyte")
        return super()._proc_member(archive)  # type: ignore[misc] # typeshed does not list it


@dataclass(frozen=True)
class BackupFile:
    """One file of a backup: `content` is to be read to its end, chunk by chunk, before the next file."""

    name: str
    modified: float
    content: Iterator[bytes]


class Backup:
    """An open backup; see `open_backup`.

    Attributes:
        manifest: Its first entry.
    """

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._sums: dict[str, str] = {}
        first = self._next()
        if first is None or first.name != MANIFEST:
            raise DataError("it does not begin with a manifest, so it is no backup of brainseg")
        text = self._text(first, _LONGEST_MANIFEST)
        self.manifest: Manifest = read_manifest(text)

    def files(self) -> Iterator[BackupFile]:
        """Give the files of the home one after the other; the hashes are checked after the last one.

        Raises:
            DataError: The backup is damaged, or has something that no backup has.
        """
        count = size = 0
        while (entry := self._next()) is not None and entry.name != CHECKSUMS:
            count, size = count + 1, size + entry.size
            if count > self.manifest.files or size > self.manifest.bytes:
                raise DataError("it has more files, or larger ones, than its manifest says")
            yield BackupFile(_checked_name(entry.name), entry.mtime, self._content(entry))
        if entry is None:
            raise DataError("it has no checksums at its end: it was cut off")
        if (count, size) != (self.manifest.files, self.manifest.bytes):
            raise DataError("it has fewer files, or smaller ones, than its manifest says")
        longest = (count + 1) * (2 * _LONGEST_NAME + 70)
        self._check(self._text(entry, longest).decode("utf-8", "surrogateescape"))
        if self._next() is not None:
            raise DataError("something follows its checksums")

    def _next(self) -> tarfile.TarInfo | None:
        entry = self._archive.next()
        if entry is None:
            return None
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
            raise DataError(f"{_shown(entry.name)} in it is a link or something else that is no plain file")
        if entry.name in self._sums:
            raise DataError(f"{_shown(entry.name)} is twice in it")
        if len(entry.name) > _LONGEST_NAME:
            raise DataError("a name in it is too long")
        return entry

    def _content(self, entry: tarfile.TarInfo) -> Iterator[bytes]:
        stream = self._archive.extractfile(entry)
        digest, left = hashlib.sha256(), entry.size
        while left and stream is not None and (chunk := stream.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
            yield chunk
        if left:
            raise DataError("it was cut off")
        self._sums[entry.name] = digest.hexdigest()

    def _text(self, entry: tarfile.TarInfo, longest: int) -> bytes:
        if entry.size > longest:
            raise DataError(f"its {entry.name} is too large")
        return b"".join(self._content(entry))

    def _check(self, listed: str) -> None:
        """Compare the hashes of what was read with the list at the end."""
        lines = set(listed.splitlines(keepends=True))
        del self._sums[CHECKSUMS]
        for name, digest in self._sums.items():
            if checksum_line(digest, name) not in lines:
                raise DataError(f"{_shown(name)} in it is not what was backed up: its checksum differs")
        if len(lines) != len(self._sums):
            raise DataError("a file that its checksums name is missing")


@contextmanager
def open_backup(file: Path) -> Iterator[Backup]:
    """Open a backup; its errors, and those while its files are read, name the archive.

    Raises:
        DataError: It does not exist, is damaged, or has something that no backup has.
    """
    try:
        with file.open("rb") as stream, gzip.GzipFile(fileobj=stream) as packed, _tar(packed) as archive:
            yield Backup(archive)
            # Reading to the end makes gzip compare its checksum.
            if packed.read(_LONGEST_PADDING) and packed.read(1):
                raise DataError("something follows its last entry")
    except DataError as error:
        raise DataError(f"{file} cannot be restored: {str(error).rstrip('.')}.") from error
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise DataError(
            f"{file} cannot be restored: it was cut off or damaged, or is no backup of brainseg; use another copy."
        ) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename != str(file):
            raise
        raise DataError(f"{file} cannot be read ({error.strerror}): name a backup that you may read.") from error


def _tar(packed: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=packed, mode="r|", tarinfo=_Entry)


def _checked_name(name: str) -> str:
    """Return the path of a file below the home, if it is one that a backup can have."""
    inside = PurePosixPath(name.removeprefix(HOME))
    plain = name == f"{HOME}{inside}" and not inside.is_absolute() and ".." not in inside.parts and inside.parts
    if not plain or "\0" in name:
        raise DataError(f"{_shown(name)} in it would lie outside the home folder")
    if inside.parts[0] in LEFT_OUT or inside.parts[0].startswith("."):
        raise DataError(f"{_shown(name)} in it is something that no backup has")
    return str(inside)


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:77]}...")
