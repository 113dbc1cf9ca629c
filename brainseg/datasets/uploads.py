"""Add datasets from zip files, which are unpacked inside the home folder completely or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from brainseg import paths
from brainseg.config.group_rule import parse_rule
from brainseg.datasets.foreign_files import store_left_out
from brainseg.datasets.inspection import forget_inspection, inspect_dataset
from brainseg.datasets.manifest import TABLES
from brainseg.datasets.registry import (
    KnownDataset,
    Progress,
    datasets_folder,
    describe_dataset,
    free_name,
    known_datasets,
    register,
)
from brainseg.errors import DataError
from brainseg.files import file_state, free_space, refuse_if_disk_is_full
from brainseg.limits import DAY, SharedRateLimit
from brainseg.scans import SUFFIXES
from brainseg.scans.archive import unpack_zip
from brainseg.users.actor import current
from brainseg.users.policy import Act, acting

KEPT = SUFFIXES | TABLES
"""Extensions of the files of a zip file that are kept."""
_PARTIAL = ".partial-"

MOST_UPLOADS = 100
"""Most uploads that are kept at a time, unless `BRAINSEG_MAX_UPLOADS` sets another number."""

UPLOADS_A_DAY = SharedRateLimit("BRAINSEG_MAX_UPLOADS_PER_DAY", DAY, "uploads a day", "uploads.json")

_LEFTOVER_AGE = 24 * 3600.0


def add_zip(
    file: BinaryIO | Path,
    name: str,
    progress: Progress | None = None,
    groups: str = "auto",
    mask_threshold: float | None = None,
) -> KnownDataset:
    """Unpack a zip file inside the home folder and add it to the list, completely or not at all.

    Args:
        file: The zip file, as a path or open for reading in binary mode.
        name: Name of the dataset.
        progress: Called with (files done, files in all), first for unpacking and then for reading.
        groups: The setting `data.groups` to store with it.
        mask_threshold: The setting `data.mask_threshold` to store with it.

    Raises:
        ConfigError: `groups` is not a rule for patients.
        DataError: The file is unsafe, damaged or too large or contains no dataset, or the name is taken or not allowed.
        DiskError: Less space is free than must stay free.
        LimitError: There were too many uploads in the last 24 hours.
        AccessError: The role of the one who asks does not allow it.
    """
    with acting(Act.UPLOAD) as asked:
        added = _add_zip(file, name, progress, groups, mask_threshold)
        asked.target, asked.count = added.fingerprint[:12], added.images
        return added


def _add_zip(
    file: BinaryIO | Path, name: str, progress: Progress | None, groups: str, mask_threshold: float | None
) -> KnownDataset:
    parse_rule(groups)  # before anything is unpacked
    known = known_datasets()
    wanted = free_name(name, known)
    _refuse_too_many(known)
    refuse_if_disk_is_full(datasets_folder(), "An upload")
    if isinstance(file, Path) and not (file.is_file() and os.access(file, os.R_OK)):  # a pipe may never end
        raise DataError(f"{file} does not exist, or you may not read it: choose a zip file that you may read.")
    _remove_leftovers()
    UPLOADS_A_DAY.take(current().owner.subject)
    partial = Path(tempfile.mkdtemp(dir=datasets_folder(), prefix=_PARTIAL))
    place = datasets_folder() / folder_name(wanted)
    try:
        with file.open("rb") if isinstance(file, Path) else contextlib.nullcontext(file) as source:
            left_out = unpack_zip(source, partial, KEPT, progress)
        made = top_folder(partial)
        above = "".join(f"{part}/" for part in made.relative_to(partial).parts)
        findings = store_left_out(made, {name.removeprefix(above): kind for name, kind in left_out.items()})
        if not any(item.suffix.lower() in KEPT - {".txt"} for item in partial.rglob("*")):  # .txt is a README
            why = " ".join(finding.message for finding in findings) or "Pack a folder of images for each class."
            raise DataError(f"The zip file contains no images. {why}")
        made.chmod(0o755)
        made.rename(place)
        with _errors_about_zip(place):
            dataset = inspect_dataset(place, progress, groups, mask_threshold)
            added = describe_dataset(wanted, place, "upload", dataset)
        return register(replace(added, groups=groups, mask_threshold=mask_threshold))
    except BaseException as error:  # an interrupted upload must not leave files either
        delete_folder(place)
        forget_inspection(place)
        if isinstance(error, OSError):
            reason = error.strerror or error
            free = free_space(place)
            raise DataError(
                f"The zip file cannot be unpacked ({reason}, {free} are free): free some space, or check the "
                f"permissions of {place.parent}."
            ) from error
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def top_folder(folder: Path) -> Path:
    """Return the folder that contains the class folders, inside any single folders around them."""
    while len(items := list(folder.iterdir())) == 1 and items[0].is_dir() and _wraps(items[0]):
        folder = items[0]
    return folder


def _wraps(folder: Path) -> bool:
    return any(item.is_dir() or item.suffix.lower() in TABLES for item in folder.iterdir())


@contextlib.contextmanager
def _errors_about_zip(place: Path) -> Iterator[None]:
    """Make errors about the dataset name the zip file, because the user does not know where it was unpacked."""
    try:
        yield
    except DataError as error:
        text = str(error).replace(f"{place}/", "").replace(str(place), "the zip file").replace(place.name, "zip file")
        raise DataError(text[:1].upper() + text[1:]) from error


def _refuse_too_many(known: list[KnownDataset]) -> None:
    most, uploads = paths.limit("BRAINSEG_MAX_UPLOADS", MOST_UPLOADS), sum(one.source == "upload" for one in known)
    if uploads >= most:
        raise DataError(
            f"There are already {uploads} uploads, and {most:g} are allowed: forget one first, or increase "
            "BRAINSEG_MAX_UPLOADS."
        )


def folder_name(name: str) -> str:
    """Return a unique name for a folder inside the home folder that holds a dataset."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-') or 'upload'}-{time.time_ns():x}"


def delete_folder(place: Path) -> None:
    """Delete a folder inside the datasets folder: first rename it in one step, then delete it."""
    folder = datasets_folder()
    if place.is_symlink() or not place.is_dir() or place.resolve().parent != folder:
        return
    hidden = Path(tempfile.mkdtemp(dir=folder, prefix=_PARTIAL))
    place.rename(hidden / "gone")
    shutil.rmtree(hidden, ignore_errors=True)


def _remove_leftovers() -> None:
    """Remove files that killed processes left behind."""
    for folder in datasets_folder().glob(f"{_PARTIAL}*"):
        state = file_state(folder)
        if state and time.time() - state[0] / 1e9 > _LEFTOVER_AGE:
            shutil.rmtree(folder, ignore_errors=True)
