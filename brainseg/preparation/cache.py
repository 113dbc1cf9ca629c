"""Prepared images on disk: decoded and prepared once, then one memory-mapped array for every run that needs them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock

from brainseg import paths
from brainseg.config import PreparationConfig
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.files import check_room, free_space, remove_leftovers, sha256_bytes, write_atomically
from brainseg.preparation import VERSION, find_geometry, prepare

LATER = {"normalise"}
"""Settings that work on the batch, and so do not change what is stored."""


@dataclass(frozen=True)
class PreparedImages:
    """The prepared images of a dataset, or its masks.

    Attributes:
        pixels: (M, S, S, 3) uint8 RGB, or (M, S, S) uint8 class numbers of masks; memory-mapped read-only, one row for
            each distinct content.
        rows: (N,) int64, the row of `pixels` for each row of the dataset's table.
    """

    pixels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return image or mask `index` of the dataset's table."""
        return self.pixels[self.rows[index]]


def prepared_images(
    dataset: Dataset, settings: PreparationConfig, progress: Callable[[int, int], None] | None = None
) -> PreparedImages:
    """Return the prepared images of a dataset from the cache, which is filled first if need be.

    Two processes may ask at once: one fills, the other waits for it and reads.

    Args:
        dataset: What to prepare; bad files are not in its table any more.
        settings: How to prepare.
        progress: Called with (images prepared, images in all) while the cache is filled.

    Raises:
        ScanError: A file cannot be read any more.
        DataError: A file changed since the dataset was opened, or the disk has no room.
    """

    def draw(row: int) -> np.ndarray:
        return prepare(dataset.read(row), settings).pixels

    facts = {"settings": settings.model_dump(exclude=LATER)}
    return PreparedImages(*_cached(dataset.table["sha256"], facts, (settings.size, settings.size, 3), draw, progress))


def prepared_masks(
    dataset: MaskedDataset, settings: PreparationConfig, progress: Callable[[int, int], None] | None = None
) -> PreparedImages:
    """Return the masks of a dataset as they lie on its prepared images, cached by the same rules.

    Args:
        dataset: Images with masks.
        settings: How the images are prepared: their crop and size hold for the masks.
        progress: Called with (masks prepared, masks in all) while the cache is filled.

    Raises:
        ScanError: A file cannot be read any more.
        DataError: A file changed since the dataset was opened, or the disk has no room.
    """

    def draw(row: int) -> np.ndarray:
        geometry = find_geometry(dataset.read(row), settings)
        return geometry.to_square(dataset.read_mask(row), settings.size)

    facts: dict[str, Any] = {
        "settings": settings.model_dump(include={"size", "crop", "resize"}),
        "values": sorted(dataset.mask_values.items()),
    }
    if dataset.mask_threshold is not None:
        facts["threshold"] = dataset.mask_threshold
    turns = dataset.table["mask_turn"].map(lambda turn: "" if turn == 1 else f" turned {turn}")
    contents = dataset.table["sha256"] + " " + dataset.table["mask_sha256"] + turns
    return PreparedImages(*_cached(contents, facts, (settings.size, settings.size), draw, progress))


def _cached(
    contents: pd.Series,
    facts: dict[str, Any],
    shape: tuple[int, ...],
    draw: Callable[[int], np.ndarray],
    progress: Callable[[int, int], None] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return one array of `shape` for each distinct content, memory-mapped, and its row for each row of the table."""
    first = contents.drop_duplicates().sort_values()
    keys = first.to_list()
    name = sha256_bytes(json.dumps({"version": VERSION, **facts, "images": keys}, sort_keys=True).encode())[:32]
    file = paths.subfolder("cache", "prepared") / f"{name}.npy"
    if not file.exists():
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                remove_leftovers(file)
                positions = [contents.index.get_loc(label) for label in first.index]
                write_atomically(file, lambda temporary: _fill(temporary, positions, shape, draw, progress))
    row_of = {key: row for row, key in enumerate(keys)}
    return np.load(file, mmap_mode="r"), np.array([row_of[key] for key in contents], dtype=np.int64)


def _fill(
    file: Path,
    positions: list[int],
    shape: tuple[int, ...],
    draw: Callable[[int], np.ndarray],
    progress: Callable[[int, int], None] | None,
) -> None:
    array = _new_array(file, (len(positions), *shape))

    def fill_row(row: int) -> None:
        array[row] = draw(positions[row])

    with ThreadPoolExecutor(max_workers=4) as pool:
        for done, _ in enumerate(pool.map(fill_row, range(len(positions))), start=1):
            if progress:
                progress(done, len(positions))
    array.flush()


def _new_array(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Make the array with all its space taken: later, a full disk would kill the process in the middle of an image."""
    check_room(file.parent, math.prod(shape), "The prepared images")
    try:
        array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            with file.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    except OSError as error:
        raise DataError(
            f"The prepared images need {math.prod(shape) / 1e6:,.0f} MB, which {file.parent} has no room for "
            f"({error.strerror}, {free_space(file.parent)} are free): free some, or set BRAINSEG_HOME to a folder on "
            "another disk."
        ) from error
    return array
