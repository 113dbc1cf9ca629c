"""What one can do with known datasets: add one from a folder, an upload or the phantom, find, look into, forget.

A folder of this machine is only named in the list. Uploads and synthetic sets lie below the home folder, and are
deleted when they are forgotten.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from brainseg import paths
from brainseg.config.group_rule import parse_rule
from brainseg.datasets.archive import KEPT, top_folder, unpack_zip
from brainseg.datasets.foreign_files import note_left_out
from brainseg.datasets.inspection import forget_inspection, inspect_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.registry import (
    KnownDataset,
    Source,
    change,
    datasets_folder,
    free_name,
    known_datasets,
    moment,
    unused,
)
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.files import free_space
from brainseg.scans import display_name

__all__ = [
    "KnownDataset",
    "add_folder",
    "add_phantom",
    "add_zip",
    "find",
    "forget",
    "found_again",
    "groups_of",
    "known_datasets",
    "look_into",
    "resolve",
    "set_groups",
]

Progress = Callable[[int, int], None]
_PARTIAL = ".partial-"
MOST_UPLOADS = 100
"""Uploads that are kept at a time, unless `BRAINSEG_MAX_UPLOADS` says otherwise."""
_LEFTOVER_AGE = 24 * 3600.0


def find(name: str) -> KnownDataset:
    """Return the dataset of a name; the case of letters does not matter.

    Raises:
        DataError: There is none.
    """
    known = known_datasets()
    for dataset in known:
        if dataset.name.casefold() == " ".join(name.split()).casefold():
            return dataset
    names = ", ".join(dataset.name for dataset in known[:10]) or "none yet"
    raise DataError(f"There is no dataset named {display_name(name)!r}; known are: {names}.")


def resolve(path_or_name: str) -> str:
    """Return the path that a dataset's name stands for, and anything else as it is; what exists is a path."""
    with contextlib.suppress(DataError, OSError, RuntimeError, ValueError):
        if not Path(path_or_name).expanduser().exists():
            return find(path_or_name).path
    return path_or_name


def found_again(path: str, fingerprint: str) -> str:
    """Return where a dataset lies: at its path, or if that is gone where the same images are known to be.

    Args:
        path: Where it was.
        fingerprint: Of the dataset as it was; "" where that is not known.
    """
    if not fingerprint or Path(path).exists():
        return path
    with contextlib.suppress(DataError):
        for known in known_datasets():
            if fingerprint in (known.fingerprint, known.grouped_fingerprint) and known.exists:
                return known.path
    return path


def groups_of(path: str) -> str:
    """Return the setting `data.groups` that is stored with a known dataset; "auto" for another path."""
    with contextlib.suppress(DataError):
        return next((known.groups for known in known_datasets() if known.path == path), "auto")
    return "auto"


def set_groups(name: str, groups: str, progress: Progress | None = None) -> KnownDataset:
    """Store which images of a known dataset are of one patient.

    Args:
        name: Its name.
        groups: The setting `data.groups`.
        progress: Called with (files read, files in all).

    Raises:
        ConfigError: `groups` is no rule for patients.
        DataError: There is no such dataset, it cannot be read, or the rule fits none of its images.
    """
    known = replace(find(name), groups=groups)
    return _register(_counted(known, inspect_dataset(Path(known.path), progress, groups)))


def add_folder(
    path: str | Path, name: str | None = None, progress: Progress | None = None, groups: str | None = None
) -> KnownDataset:
    """Make a folder or a manifest of this machine known; it is read once, and stays where it is.

    Args:
        path: What `open_dataset` takes.
        name: What to call it; by default as its folder, or as it is called already.
        progress: Called with (files read, files in all).
        groups: The setting `data.groups` to store with it; by default "auto", or what is stored already.

    Raises:
        ConfigError: `groups` is no rule for patients.
        DataError: It does not exist, cannot be read or holds no dataset, or the name is taken or cannot be one.
    """
    place, known = _absolute(path), known_datasets()
    earlier = next((other for other in known if other.path == str(place)), None)
    if name:
        wanted = free_name(name, [other for other in known if other != earlier])
    else:
        wanted = earlier.name if earlier else unused(place.stem if place.is_file() else place.name, known)
    rule = groups or (earlier.groups if earlier else "auto")
    dataset = inspect_dataset(place, progress, rule)
    made = _made(wanted, place, earlier.source if earlier else "folder", dataset)
    return _register(replace(made, groups=rule))


def add_zip(file: BinaryIO | Path, name: str, progress: Progress | None = None, groups: str = "auto") -> KnownDataset:
    """Unpack a zip file below the home folder and make it known; whole, or not at all.

    Args:
        file: The zip file, as a path or open for reading in binary mode.
        name: What to call it.
        progress: Called with (files done, files in all), first for unpacking and then for reading.
        groups: The setting `data.groups` to store with it.

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
    _sweep()
    partial = Path(tempfile.mkdtemp(dir=datasets_folder(), prefix=_PARTIAL))
    place = datasets_folder() / _slug(wanted)
    try:
        with file.open("rb") if isinstance(file, Path) else contextlib.nullcontext(file) as source:
            left_out = unpack_zip(source, partial, progress)
        made = top_folder(partial)
        above = "".join(f"{part}/" for part in made.relative_to(partial).parts)
        findings = note_left_out(made, {name.removeprefix(above): kind for name, kind in left_out.items()})
        if not any(item.suffix.lower() in KEPT - {".txt"} for item in partial.rglob("*")):  # a text alone is a read-me
            why = " ".join(finding.message for finding in findings) or "Pack a folder of images for each class."
            raise DataError(f"The zip file holds no images. {why}")
        made.chmod(0o755)
        made.rename(place)
        with _told_of_zip(place):
            added = _made(wanted, place, "upload", inspect_dataset(place, progress, groups))
        return _register(replace(added, groups=groups))
    except BaseException as error:  # an upload that is given up half-way leaves nothing behind either
        _delete(place)
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
def _told_of_zip(place: Path) -> Iterator[None]:
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


def add_phantom(
    count: int,
    seed: int,
    progress: Progress | None = None,
    *,
    modalities: tuple[str, ...] | None = None,
    difficulty: str | None = None,
    slices_per_subject: int | None = None,
) -> KnownDataset:
    """Draw a synthetic set below the home folder, or find it complete, and make it known.

    Args:
        count: Number of slices, half of them with a tumour.
        seed: The same seed gives the same images.
        progress: Called with (slices done, slices in all), first for drawing and then for reading.
        modalities: These three are as for `write_phantom`, whose defaults stand for None.
        difficulty: See there.
        slices_per_subject: See there.

    Raises:
        DataError: A setting is not allowed, or the folder cannot be written.
    """
    from brainseg.phantom import DIFFICULTIES, MODALITIES, SLICES_PER_SUBJECT, phantom_name, write_phantom

    modalities = MODALITIES if modalities is None else modalities
    difficulty = DIFFICULTIES[0] if difficulty is None else difficulty
    slices_per_subject = SLICES_PER_SUBJECT if slices_per_subject is None else slices_per_subject
    # A set of other settings needs another folder, so its name says in what it differs from the default.
    differences = {
        "-".join(modalities): modalities != MODALITIES,
        difficulty: difficulty != DIFFICULTIES[0],
        f"{slices_per_subject}-each": slices_per_subject != SLICES_PER_SUBJECT,
    }
    named = [text for text, differs in differences.items() if differs]
    place = datasets_folder() / phantom_name(str(count), "seed", str(seed), *named)
    write_phantom(
        place,
        count,
        seed,
        modalities=modalities,
        difficulty=difficulty,
        slices_per_subject=slices_per_subject,
        progress=progress,
    )
    return add_folder(place, progress=progress)


def look_into(known: KnownDataset, progress: Progress | None = None) -> Dataset:
    """Return the images of a dataset, and note their counts in the list.

    Raises:
        DataError: It is not there any more, or cannot be read.
    """
    dataset = inspect_dataset(Path(known.path), progress, known.groups)
    now = _counted(known, dataset)
    if now != known:
        change(lambda listed: [now if other.path == known.path else other for other in listed])
    return dataset


def forget(name: str) -> KnownDataset:
    """Take a dataset off the list; one below the home folder is deleted, a folder elsewhere never is.

    Returns:
        What it was.

    Raises:
        DataError: There is none of this name.
    """
    known = find(name)
    change(lambda listed: [other for other in listed if other.path != known.path])
    if known.source != "folder":
        _delete(Path(known.path))
    forget_inspection(Path(known.path))
    return known


def _absolute(path: str | Path) -> Path:
    text = str(path).strip()
    if not text:
        raise DataError("No folder was named: give the path of a folder on the server.")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # no such user, links in a circle, a NUL
        raise DataError(f"{display_name(text)} is no path of this machine: give one that exists.") from error


def _register(known: KnownDataset) -> KnownDataset:
    """Put a dataset on the list, in place of what is known of the same path."""

    def put(listed: list[KnownDataset]) -> list[KnownDataset]:
        others = [other for other in listed if other.path != known.path]
        free_name(known.name, others)  # another visitor may have taken it meanwhile
        return [*others, known]

    change(put)
    return known


def _made(name: str, place: Path, source: Source, dataset: Dataset) -> KnownDataset:
    return _counted(KnownDataset(name, str(place), source, moment()), dataset)


def _counted(known: KnownDataset, dataset: Dataset) -> KnownDataset:
    labels = dataset.table["label"]
    counts = {name: int((labels == name).sum()) for name in dataset.classes}
    task = "segment" if isinstance(dataset, MaskedDataset) else "classify"
    return replace(
        known,
        task=task,
        counts=counts,
        unreadable=len(dataset.bad),
        fingerprint=dataset.fingerprint,
        grouped_fingerprint=dataset.grouped_fingerprint,
    )


def _slug(name: str) -> str:
    """Return a folder's name, with a part that no other upload has."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-') or 'upload'}-{time.time_ns():x}"


def _delete(place: Path) -> None:
    """Delete a folder of ours: out of sight in one step, and then for good."""
    folder = datasets_folder()
    if place.is_symlink() or not place.is_dir() or place.resolve().parent != folder:
        return
    hidden = Path(tempfile.mkdtemp(dir=folder, prefix=_PARTIAL))
    place.rename(hidden / "gone")
    shutil.rmtree(hidden, ignore_errors=True)


def _sweep() -> None:
    """Remove what processes that were killed left behind."""
    for folder in datasets_folder().glob(f"{_PARTIAL}*"):
        if time.time() - folder.stat().st_mtime > _LEFTOVER_AGE:
            shutil.rmtree(folder, ignore_errors=True)
