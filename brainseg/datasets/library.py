"""The list of known datasets: add one from a folder or the phantom, find, inspect or forget it.

`uploads` adds zip files.

For a folder of this machine, the list only stores its path. Uploads and synthetic datasets are inside the home folder,
and are deleted when they are forgotten.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from brainseg.datasets.access import refuse_if_not_listed
from brainseg.datasets.inspection import forget_inspection, inspect_dataset
from brainseg.datasets.registry import (
    KnownDataset,
    Progress,
    change,
    datasets_folder,
    describe_dataset,
    free_name,
    known_datasets,
    register,
    unused_name,
    with_counts,
)
from brainseg.datasets.table import Dataset
from brainseg.datasets.uploads import add_zip, delete_folder
from brainseg.errors import DataError
from brainseg.files import refuse_if_disk_is_full
from brainseg.scans import display_name
from brainseg.users.policy import Act, acting

__all__ = [
    "KnownDataset",
    "add_folder",
    "add_phantom",
    "add_zip",
    "current_path",
    "find",
    "forget",
    "known_datasets",
    "resolve",
    "set_groups",
    "set_mask_threshold",
    "stored_settings",
]


def find(name: str) -> KnownDataset:
    """Return the dataset with a name; upper and lower case do not matter.

    Raises:
        DataError: There is none.
    """
    known = known_datasets()
    for dataset in known:
        if dataset.name.casefold() == " ".join(name.split()).casefold():
            return dataset
    names = ", ".join(dataset.name for dataset in known[:10]) or "none yet"
    raise DataError(f"There is no dataset named {display_name(name)!r}; known datasets: {names}.")


def resolve(path_or_name: str) -> str:
    """Return the path of the dataset with a name, or the argument unchanged; an existing path is never a name."""
    with contextlib.suppress(DataError, OSError, RuntimeError, ValueError):
        if not Path(path_or_name).expanduser().exists():
            return find(path_or_name).path
    return path_or_name


def current_path(path: str, fingerprint: str) -> str:
    """Return the path of a dataset; if it no longer exists, the path of a known dataset with the same images.

    Args:
        path: Its earlier path.
        fingerprint: Fingerprint of the dataset at that path; "" if unknown.
    """
    if not fingerprint or Path(path).exists():
        return path
    with contextlib.suppress(DataError):
        for known in known_datasets():
            if fingerprint in (known.fingerprint, known.grouped_fingerprint) and known.exists:
                return known.path
    return path


def stored_settings(path: str) -> dict[str, str | float]:
    """Return the settings stored with the known dataset at a path; for other paths, the default of `data.groups`."""
    known = None
    with contextlib.suppress(DataError):
        known = next((known for known in known_datasets() if known.path == path), None)
    settings: dict[str, str | float] = {"data.groups": known.groups if known else "auto"}
    if known and known.mask_threshold is not None:
        settings["data.mask_threshold"] = known.mask_threshold
    return settings


def set_groups(name: str, groups: str, progress: Progress | None = None) -> KnownDataset:
    """Store which images of a known dataset are of one patient.

    Args:
        name: Its name.
        groups: The setting `data.groups`.
        progress: Called with (files read, files in all).

    Raises:
        ConfigError: `groups` is not a rule for patients.
        DataError: There is no such dataset, it cannot be read, or the rule matches none of its images.
    """
    known = find(name)
    with acting(Act.CHANGE_DATASET, known.fingerprint[:12], known.owner):
        return _reread(replace(known, groups=groups), progress)


def set_mask_threshold(name: str, mask_threshold: float | None, progress: Progress | None = None) -> KnownDataset:
    """Store which values in the masks of a known dataset are tumour.

    Args:
        name: Its name.
        mask_threshold: The setting `data.mask_threshold`; None makes the values classes again.
        progress: Called with (files read, files in all).

    Raises:
        DataError: There is no such dataset, it cannot be read, or it has no masks that fit the threshold.
    """
    known = find(name)
    with acting(Act.CHANGE_DATASET, known.fingerprint[:12], known.owner):
        return _reread(replace(known, mask_threshold=mask_threshold), progress)


def _reread(known: KnownDataset, progress: Progress | None) -> KnownDataset:
    dataset = inspect_dataset(Path(known.path), progress, known.groups, known.mask_threshold)
    return register(with_counts(known, dataset))


def add_folder(
    path: str | Path,
    name: str | None = None,
    progress: Progress | None = None,
    groups: str | None = None,
    mask_threshold: float | None = None,
) -> KnownDataset:
    """Add a folder or a manifest of this machine to the list; brainseg reads it once and does not move it.

    Args:
        path: As for `open_dataset`.
        name: Its name; by default the name that it already has, or that of its folder.
        progress: Called with (files read, files in all).
        groups: The setting `data.groups` to store with it; by default the stored setting, or "auto".
        mask_threshold: The setting `data.mask_threshold` to store with it; by default the stored setting, or none.

    Raises:
        ConfigError: `groups` is not a rule for patients.
        DataError: It does not exist, cannot be read or contains no dataset, or the name is taken or not allowed.
        AccessError: The role of the one who asks does not allow it, or the folder is none that pages may add.
    """
    with acting(Act.ADD_FOLDER) as asked:
        refuse_if_not_listed(path)
        added = _add_folder(path, name, progress, groups, mask_threshold)
        asked.target, asked.count = added.fingerprint[:12], added.images
        return added


def _add_folder(
    path: str | Path,
    name: str | None = None,
    progress: Progress | None = None,
    groups: str | None = None,
    mask_threshold: float | None = None,
) -> KnownDataset:
    place, known = _absolute(path), known_datasets()
    earlier = next((other for other in known if other.path == str(place)), None)
    if name:
        wanted = free_name(name, [other for other in known if other != earlier])
    else:
        wanted = earlier.name if earlier else unused_name(place.stem if place.is_file() else place.name, known)
    rule = groups or (earlier.groups if earlier else "auto")
    threshold = earlier.mask_threshold if earlier and mask_threshold is None else mask_threshold
    dataset = inspect_dataset(place, progress, rule, threshold)
    made = describe_dataset(wanted, place, earlier.source if earlier else "folder", dataset)
    if earlier:
        made = replace(made, owner_subject=earlier.owner_subject, owner_name=earlier.owner_name)
    return register(replace(made, groups=rule, mask_threshold=threshold))


def add_phantom(
    count: int,
    seed: int,
    progress: Progress | None = None,
    *,
    modalities: tuple[str, ...] | None = None,
    difficulty: str | None = None,
    slices_per_subject: int | None = None,
) -> KnownDataset:
    """Draw a synthetic dataset inside the home folder, unless it exists already, and add it to the list.

    Args:
        count: Number of slices, half of them with a tumour.
        seed: The same seed gives the same images.
        progress: Called with (slices done, slices in all), first for drawing and then for reading.
        modalities: As for `write_phantom`; None means its default, also for the next two.
        difficulty: As for `write_phantom`.
        slices_per_subject: As for `write_phantom`.

    Raises:
        DataError: A setting is not allowed, or the folder cannot be written.
        DiskError: Less space is free than must stay free.
        AccessError: The role of the one who asks does not allow it.
    """
    with acting(Act.ADD_DATASET) as asked:
        added = _add_phantom(count, seed, progress, modalities, difficulty, slices_per_subject)
        asked.target, asked.count = added.fingerprint[:12], added.images
        return added


def _add_phantom(
    count: int,
    seed: int,
    progress: Progress | None,
    modalities: tuple[str, ...] | None,
    difficulty: str | None,
    slices_per_subject: int | None,
) -> KnownDataset:
    from brainseg.phantom import DIFFICULTIES, MODALITIES, SLICES_PER_SUBJECT, phantom_name, write_phantom

    refuse_if_disk_is_full(datasets_folder(), "Drawing slices")
    modalities = MODALITIES if modalities is None else modalities
    difficulty = DIFFICULTIES[0] if difficulty is None else difficulty
    slices_per_subject = SLICES_PER_SUBJECT if slices_per_subject is None else slices_per_subject
    # A dataset with other settings needs another folder, so the name lists the differences from the defaults.
    differences = {
        "-".join(modalities): modalities != MODALITIES,
        difficulty: difficulty != DIFFICULTIES[0],
        f"{slices_per_subject}-each": slices_per_subject != SLICES_PER_SUBJECT,
    }
    changed = [text for text, differs in differences.items() if differs]
    place = datasets_folder() / phantom_name(str(count), "seed", str(seed), *changed)
    write_phantom(
        place,
        count,
        seed,
        modalities=modalities,
        difficulty=difficulty,
        slices_per_subject=slices_per_subject,
        progress=progress,
    )
    return _add_folder(place, progress=progress)


def inspect_known_dataset(known: KnownDataset, progress: Progress | None = None) -> Dataset:
    """Read a known dataset and update its counts in the list.

    Raises:
        DataError: It no longer exists, or cannot be read.
    """
    dataset = inspect_dataset(Path(known.path), progress, known.groups, known.mask_threshold)
    now = with_counts(known, dataset)
    if now != known:
        change(lambda listed: [now if other.path == known.path else other for other in listed])
    return dataset


def forget(name: str) -> KnownDataset:
    """Remove a dataset from the list; delete its files only if they are inside the home folder.

    Returns:
        Its entry in the list.

    Raises:
        DataError: There is no dataset with this name.
        AccessError: The role of the one who asks does not allow it.
    """
    known = find(name)
    with acting(Act.REMOVE_DATASET, known.fingerprint[:12], known.owner, known.images):
        change(lambda listed: [other for other in listed if other.path != known.path])
        if known.source != "folder":
            delete_folder(Path(known.path))
        forget_inspection(Path(known.path))
        return known


def _absolute(path: str | Path) -> Path:
    text = str(path).strip()
    if not text:
        raise DataError("The path is empty: enter the path of a folder on the server.")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # unknown user, links that form a loop, a zero byte
        raise DataError(f"{display_name(text)} is not a valid path: enter one that exists.") from error
