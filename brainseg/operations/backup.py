"""Writes a backup: one compressed tar file with all files of a home, a manifest and the hash of each file."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from brainseg import paths
from brainseg.datasets.registry import known_datasets
from brainseg.errors import ConfigError, DataError
from brainseg.files import check_free_space, remove_leftovers, write_atomically
from brainseg.operations.capture import CapturedFile, captured_home, only_backup
from brainseg.operations.manifest import CHECKSUMS, HOME, MANIFEST, Manifest, checksum_line
from brainseg.reading.library import all_studies
from brainseg.runs import EXPERIMENT
from brainseg.runs.opening import file_of, private_uri
from brainseg.runs.snapshot import Snapshot

PRIVATE = 0o600
"""Permissions of a backup: it holds the key of patients' hashes, and whatever images were uploaded."""
_BETWEEN_CHECKS = 64e6
"""Bytes written between two checks of the free space."""
_COMPRESSION = 1
"""Of gzip: models and images hardly become smaller, so more effort gains little."""
ReportProgress = Callable[[int, int], None]


def back_up(file: Path, report_progress: ReportProgress | None = None) -> Manifest:
    """Write a backup of the open home. Trainings and the dashboard may go on meanwhile.

    Args:
        file: The archive; it must not exist, and lies outside the home.
        report_progress: Called with (bytes done, bytes in all).

    Returns:
        What is in the backup.

    Raises:
        ConfigError: The file exists, or lies inside the home.
        DataError: Another backup is being made, or a database or the list of datasets is damaged.
        DiskError: The disk is full, or would become full.
        RunError: The run store cannot be read.
    """
    home = paths.home()
    if paths.is_inside(file.absolute(), home):
        raise ConfigError(f"{file} lies inside the home folder {home}: name a place outside it, best on another disk.")
    if file.exists():
        raise ConfigError(f"{file} already exists: name a new file.")
    made: list[Manifest] = []

    def write(temporary: Path) -> None:
        with captured_home(home) as files:
            made.append(_manifest(home, files))
            with temporary.open("wb") as stream, _Guarded(stream, file) as guarded:
                _write(guarded, made[0], files, report_progress or (lambda done, total: None))

    with only_backup(home):
        if file.parent.is_dir():
            remove_leftovers(file)
        write_atomically(file, write, mode=PRIVATE)
    return made[0]


def _manifest(home: Path, files: list[CapturedFile]) -> Manifest:
    known = known_datasets()
    outside = [dataset.path for dataset in known if not paths.is_inside(Path(dataset.path), home)]
    own = private_uri(home)
    private = os.environ.get("MLFLOW_TRACKING_URI", own) in ("", own)
    database = next((file.place for file in files if private and file.name == file_of(own).name), None)
    return Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        home=str(home),
        files=len(files),
        bytes=sum(file.size for file in files),
        runs=_statuses(database) if database else {},
        datasets=len(known) - len(outside),
        datasets_outside=tuple(outside),
        studies=len(all_studies()),
        store="home" if private else "elsewhere",
    )


def _statuses(database: Path) -> dict[str, int]:
    snapshot = Snapshot(database, EXPERIMENT, None)
    return snapshot.statuses() if snapshot.usable() else {}


def _write(
    stream: _Guarded, manifest: Manifest, files: Iterable[CapturedFile], report_progress: ReportProgress
) -> None:
    sums, done = [], 0
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=_COMPRESSION, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        text = json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False).encode("utf-8", "surrogateescape")
        _add_text(archive, MANIFEST, text)
        sums.append(checksum_line(hashlib.sha256(text).hexdigest(), MANIFEST))
        for file in files:
            name = HOME + file.name
            sums.append(checksum_line(_add_file(archive, name, file), name))
            done += file.size
            report_progress(done, manifest.bytes)
        _add_text(archive, CHECKSUMS, "".join(sums).encode("utf-8", "surrogateescape"))


def _add_text(archive: tarfile.TarFile, name: str, text: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), PRIVATE
    archive.addfile(entry, io.BytesIO(text))


def _add_file(archive: tarfile.TarFile, name: str, file: CapturedFile) -> str:
    """Add a file, and return its SHA-256."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = file.size, file.modified, PRIVATE
    with file.place.open("rb") as stream:
        hashed = _Hashed(stream)
        try:
            archive.addfile(entry, hashed)
        except OSError as error:
            if error.errno is not None:
                raise
            raise DataError(f"{file.name} became shorter while it was read: make the backup again.") from error
        return hashed.digest.hexdigest()


class _Hashed(io.RawIOBase):
    """A file whose content is hashed while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self.stream.read(size)
        self.digest.update(data)
        return data


class _Guarded(io.RawIOBase):
    """A file that stops to be written before its disk is full."""

    def __init__(self, stream: IO[bytes], place: Path) -> None:
        self.stream, self.place, self.unchecked = stream, place, 0.0
        self._check()

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override] # any buffer of bytes, as for other files
        """Write bytes, and return their number."""
        self.unchecked += len(data)
        if self.unchecked > _BETWEEN_CHECKS:
            self._check()
        return self.stream.write(data)

    def _check(self) -> None:
        self.unchecked = 0.0
        check_free_space(self.place, _BETWEEN_CHECKS, "The next files of the backup")
