"""Open the dataset of a training: read again only if a file was added, removed or changed since it was last read.

A dataset that someone looked at, or trained on, was read before. Images are checked against their hashes when they are
prepared, so a changed one is never taken for the one that was read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from brainseg.datasets.inspection import cache_dataset, cached_dataset, is_masked, signature
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.near_decisions import with_decisions
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import Dataset

Progress = Callable[[int, int], None]
"""Called with (files read, files in all)."""


def reopen_dataset(path: Path, progress: Progress | None = None, groups: str = "auto") -> Dataset:
    """Return the images with classes at a path, as `open_dataset` does.

    Raises:
        DataError: As for `open_dataset`.
    """
    stamp = _stamp(path, groups)
    found = cached_dataset(path, stamp) if stamp else None
    if found is None or isinstance(found, MaskedDataset):
        found = open_dataset(path, progress, groups, decided=False)
        if stamp and not is_masked(path):  # otherwise others expect the masks here
            cache_dataset(path, found, stamp)
    return with_decisions(found)


def reopen_masked_dataset(
    path: Path,
    modalities: tuple[str, ...] | None = None,
    progress: Progress | None = None,
    groups: str = "auto",
    mask_threshold: float | None = None,
) -> MaskedDataset:
    """Return the images with masks at a path, as `open_masked_dataset` does; a choice of sequences is never cached.

    Raises:
        DataError: As for `open_masked_dataset`.
    """
    if modalities is not None:
        return open_masked_dataset(path, modalities, progress, groups, mask_threshold)
    stamp = _stamp(path, groups, mask_threshold)
    found = cached_dataset(path, stamp) if stamp else None
    if not isinstance(found, MaskedDataset):
        found = open_masked_dataset(path, None, progress, groups, mask_threshold, decided=False)
        if stamp and is_masked(path):
            cache_dataset(path, found, stamp)
    return with_decisions(found)


def _stamp(path: Path, groups: str, mask_threshold: float | None = None) -> str:
    """Return the signature of a dataset; "" for a path that cannot be one, whose opening reports the error."""
    try:
        return signature(path, groups, mask_threshold)
    except (RuntimeError, ValueError):  # unknown user, a zero byte
        return ""
