"""Add datasets from zip files: unpacked below the home folder, whole or not at all."""

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
from brainseg.datasets.archive import KEPT, top_folder, unpack_zip
from brainseg.datasets.foreign_files import store_left_out
from brainseg.datasets.inspection import forget_inspection, inspect_dataset
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
from brainseg.files import free_space

_PARTIAL = ".partial-"

MOST_UPLOADS = 100
"""Uploads that are kept at a time, unless `BRAINSEG_MAX_UPLOADS` says otherwise."""

_LEFTOVER_AGE = 24 * 3600.0


def add_zip(
    file: BinaryIO | Path,
    name: str,
    progress: Progress | None = None,
    groups: str = "auto",
    mask_threshold: float | None = None,
) -> KnownDataset:
    """Unpack a zip file below the home folder and make it known; whole, or not at all.

    Args:
        file: The zip file, as a path or open for reading in binary mode.
        name: What to call it.
        progress: Called with (files done, files in all), first for unpacking and then for reading.
        groups: The setting `data.groups` to store with it.
        mask_threshold: The setting `data.mask_threshold` to store with it.

    Raises:
        ConfigError: `groups` is no rule for patients.
        DataError: The file is unsafe, damaged or too large or holds no dataset, or the name is taken or cannot be one.
    """
    parse_rule(groups)  # before anything is unpacked
    known = known_datasets()
    wanted = free_name(name, known)
    _refuse_too_many(known)
    if isinstance(file, Path) and not (file.is_file() and os.access(file, os.R_OK)):  # a pipe may never end
        raise DataError(f"{file} does not exist or may not be read: name a zip file that you may read.")
    _remove_leftovers()
    partial = Path(tempfile.mkdtemp(dir=datasets_folder(), prefix=_PARTIAL))
    place = datasets_folder() / _slug(wanted)
    try:
        with file.open("rb") if isinstance(file, Path) else contextlib.nullcontext(file) as source:
            left_out = unpack_zip(source, partial, progress)
        made = top_folder(partial)
        above = "".join(f"{part}/" for part in made.relative_to(partial).parts)
        findings = store_left_out(made, {name.removeprefix(above): kind for name, kind in left_out.items()})
        if not any(item.suffix.lower() in KEPT - {".txt"} for item in partial.rglob("*")):  # a text alone is a read-me
            why = " ".join(finding.message for finding in findings) or "Pack a folder of images for each class."
            raise DataError(f"The zip file holds no images. {why}")
        made.chmod(0o755)
        made.rename(place)
        with _errors_about_zip(place):
            dataset = inspect_dataset(place, progress, groups, mask_threshold)
            added = describe_dataset(wanted, place, "upload", dataset)
        return register(replace(added, groups=groups, mask_threshold=mask_threshold))
    except BaseException as error:  # an upload that is given up half-way leaves nothing behind either
        delete_folder(place)
        forget_inspection(place)
        if isinstance(error, OSError):
            reason = error.strerror or error
            free = free_space(place)
            raise DataError(
                f"The zip file cannot be unpacked ({reason}, {free} are free): make room, or check the permissions of "
                f"{place.parent}."
            ) from error
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def _errors_about_zip(place: Path) -> Iterator[None]:
    """Have the sentence about a wrong dataset speak of the zip file: its sender does not know where it was unpacked."""
    try:
        yield
    except DataError as error:
        text = str(error).replace(f"{place}/", "").replace(str(place), "the zip file").replace(place.name, "zip file")
        raise DataError(text[:1].upper() + text[1:]) from error


def _refuse_too_many(known: list[KnownDataset]) -> None:
    most, uploads = paths.limit("BRAINSEG_MAX_UPLOADS", MOST_UPLOADS), sum(one.source == "upload" for one in known)
    if uploads >= most:
        raise DataError(
            f"{uploads} uploads are kept already, and {most:g} may be: forget one first, or raise BRAINSEG_MAX_UPLOADS."
        )


def _slug(name: str) -> str:
    """Return a folder's name, with a part that no other upload has."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-') or 'upload'}-{time.time_ns():x}"


def delete_folder(place: Path) -> None:
    """Delete a folder of ours: out of sight in one step, and then for good."""
    folder = datasets_folder()
    if place.is_symlink() or not place.is_dir() or place.resolve().parent != folder:
        return
    hidden = Path(tempfile.mkdtemp(dir=folder, prefix=_PARTIAL))
    place.rename(hidden / "gone")
    shutil.rmtree(hidden, ignore_errors=True)


def _remove_leftovers() -> None:
    """Remove what processes that were killed left behind."""
    for folder in datasets_folder().glob(f"{_PARTIAL}*"):
        if time.time() - folder.stat().st_mtime > _LEFTOVER_AGE:
            shutil.rmtree(folder, ignore_errors=True)
