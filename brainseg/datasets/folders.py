"""Adds folders and manifests of this machine to the list of datasets; nothing is copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from brainseg.datasets.access import refuse_if_not_listed
from brainseg.datasets.inspection import inspect_dataset
from brainseg.datasets.registry import (
    KnownDataset,
    Progress,
    describe_dataset,
    free_name,
    known_datasets,
    register,
    unused_name,
)
from brainseg.errors import DataError
from brainseg.scans import display_name
from brainseg.users.policy import Act, acting


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
        added = read_folder(path, name, progress, groups, mask_threshold)
        asked.target, asked.count = added.fingerprint[:12], added.images
        return added


def read_folder(
    path: str | Path,
    name: str | None = None,
    progress: Progress | None = None,
    groups: str | None = None,
    mask_threshold: float | None = None,
) -> KnownDataset:
    """Do what `add_folder` does, for a caller who has asked the policy; arguments and errors are the same."""
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


def _absolute(path: str | Path) -> Path:
    text = str(path).strip()
    if not text:
        raise DataError("The path is empty: enter the path of a folder on the server.")
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # unknown user, links that form a loop, a zero byte
        raise DataError(f"{display_name(text)} is not a valid path: enter one that exists.") from error
