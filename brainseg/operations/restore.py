"""Puts the home of a backup in place: checked to its last byte first, and then in one step."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from brainseg import paths
from brainseg.errors import ConfigError, DataError, DiskError, RunError
from brainseg.files import check_free_space, full_disk_as_disk_error
from brainseg.jobs.workers import worker_lives
from brainseg.jobs.workspace import Workspace
from brainseg.operations.archive import open_backup
from brainseg.operations.manifest import Manifest

_STAGE = "restoring-"
_README = "README.md"
"""What the home folder of a checkout has before anything is written to it."""
_SECRETS = {"secret": 0o600}
"""Files that only their owner may read."""
ReportProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Restored:
    """What was restored.

    Attributes:
        manifest: The manifest of the backup.
        home: The home folder.
        earlier: Where the earlier home is now; None if there was none.
    """

    manifest: Manifest
    home: Path
    earlier: Path | None


def check_backup(file: Path, report_progress: ReportProgress | None = None) -> Manifest:
    """Read a backup to its end and compare everything with its manifest and hashes; write nothing.

    Raises:
        DataError: It is damaged, or is no backup.
    """
    with open_backup(file) as backup:
        done = 0
        for entry in backup.files():
            for chunk in entry.content:
                done += len(chunk)
            if report_progress:
                report_progress(done, backup.manifest.bytes)
        return backup.manifest


def restore(file: Path, replace: bool = False, report_progress: ReportProgress | None = None) -> Restored:
    """Make the home of a backup the home folder.

    Everything is written into a hidden folder beside the home and checked, and only then takes its place. Whatever goes
    wrong, the earlier home is as it was.

    Runs that were in training are recorded as interrupted when the store is next opened, and can be resumed.

    Args:
        file: The backup.
        replace: Move an earlier home aside. Without this, there must be none.
        report_progress: Called with (bytes done, bytes in all).

    Raises:
        ConfigError: There is an earlier home, or its folder cannot be replaced.
        DataError: The backup is damaged, or is none.
        DiskError: The disk is full, or would become full.
        RunError: A worker or a training uses the earlier home.
    """
    home = paths.place()
    _refuse_if_in_use(home, replace)
    with _stage(home) as stage, full_disk_as_disk_error(stage):
        with open_backup(file) as backup:
            manifest, done = backup.manifest, 0
            _check_room(stage, manifest)
            for entry in backup.files():
                done += _write(stage / entry.name, entry.content, entry.modified)
                if report_progress:
                    report_progress(done, manifest.bytes)
        _mark_unfinished(stage, manifest)
        os.sync()  # a power cut must not leave a home that looks complete
        return Restored(manifest, home, _put_in_place(stage, home))


def _refuse_if_in_use(home: Path, replace: bool) -> None:
    if home.is_mount():
        raise ConfigError(
            f"The home folder {home} is a disk of its own, which cannot be replaced in one step: set BRAINSEG_HOME to "
            "a new folder in it."
        )
    if not _has_content(home):
        return
    if not replace:
        raise ConfigError(
            f"The home folder {home} is not empty: set BRAINSEG_HOME to a new folder, or add --replace, which moves "
            "the earlier home aside."
        )
    if any(worker_lives(device) for device in ("cpu", "cuda")) or _trainings(home):
        raise RunError(f"A worker or a training uses {home}: wait until it ends, or cancel its runs and stop it first.")


def _has_content(home: Path) -> bool:
    try:
        return any(entry.name != _README for entry in home.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"The home folder {home} cannot be read ({error.strerror}): choose another one.") from error


def _trainings(home: Path) -> bool:
    return any(Workspace(folder.name).claimed() for folder in (home / "work").glob("*") if folder.is_dir())


@contextmanager
def _stage(home: Path) -> Iterator[Path]:
    """Give a hidden folder beside the home; a later restore removes it if this process is killed."""
    prefix = f".{home.name}.{_STAGE}"
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        for left in home.parent.glob(f"{prefix}*"):
            _remove_if_left(left)
        stage = Path(tempfile.mkdtemp(dir=home.parent, prefix=prefix))
    except OSError as error:
        raise ConfigError(
            f"Nothing can be written beside the home folder {home} ({error.strerror}): set BRAINSEG_HOME to a folder "
            "inside one that you may write to."
        ) from error
    handle = os.open(stage, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # the system releases it if this process dies
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        os.close(handle)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose restore was killed, but not one that another process is writing."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _check_room(stage: Path, manifest: Manifest) -> None:
    check_free_space(stage, manifest.bytes, "The files of the backup")
    disk = os.statvfs(stage)
    if disk.f_files and manifest.files > disk.f_favail:
        raise DiskError(
            f"The backup has {manifest.files:,} files, and the disk of {stage.parent} has room for {disk.f_favail:,} "
            "more: set BRAINSEG_HOME to another disk."
        )


def _write(place: Path, content: Iterator[bytes], modified: float) -> int:
    """Write a new file, and return its size."""
    size = 0
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as stream:
            for chunk in content:
                size += stream.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(f"{place.name!a} in it is both a file and a folder") from error
    place.chmod(_SECRETS.get(place.name, 0o644))
    with suppress(OSError, OverflowError, ValueError):  # a time that this disk cannot hold
        os.utime(place, (modified, modified))
    return size


def _mark_unfinished(stage: Path, manifest: Manifest) -> None:
    """Let runs that were in training be recorded as interrupted: their processes are those of the earlier home."""
    for folder in (stage / "work").glob("*"):
        if folder.is_dir():
            Workspace.mark_restored(folder, manifest.created)


def _put_in_place(stage: Path, home: Path) -> Path | None:
    """Rename the new home to its place, and return where the earlier one went."""
    stage.chmod(0o755)
    if not _has_content(home):
        if (home / _README).exists() and not (stage / _README).exists():
            shutil.copy2(home / _README, stage / _README)
        shutil.rmtree(home, ignore_errors=True)
        stage.rename(home)
        return None
    aside = home.with_name(f"{home.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    home.rename(aside)
    try:
        stage.rename(home)
    except OSError:
        aside.rename(home)
        raise
    return aside
