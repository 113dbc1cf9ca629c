"""The list of known datasets: add one from a folder or the phantom, find, inspect or forget it.

`uploads` adds zip files.

For a folder of this machine, the list only stores its path. Uploads and synthetic datasets are inside the home folder,
and are deleted when they are forgotten.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from brainseg.datasets.folders import add_folder
from brainseg.datasets.inspection import forget_inspection, inspect_dataset
from brainseg.datasets.registry import (
    KnownDataset,
    Progress,
    change,
    known_datasets,
    register,
    with_counts,
)
from brainseg.datasets.synthetic import add_phantom
from brainseg.datasets.table import Dataset
from brainseg.datasets.uploads import add_zip, delete_folder
from brainseg.errors import DataError
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
