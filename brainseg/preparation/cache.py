"""Cache of prepared images: each image is decoded and prepared once, and all runs share one memory-mapped array.

A cache file contains two NumPy arrays, one after the other: the pixels, which are memory-mapped, and ten integers per
image with the position of the prepared square on its scan (`Geometry.numbers`).
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock
from numpy.typing import NDArray

from brainseg import paths
from brainseg.config import PreparationConfig
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.files import check_free_space, free_space, remove_leftovers, sha256_bytes, write_atomically
from brainseg.preparation import VERSION, Geometry, Prepared, find_geometry, prepare

SCHEMA = 2
"""Version of the cache file's layout. It is part of the key, so files with another layout are not used. Since version
2, the geometries follow the pixels."""
LATER = {"normalise"}
"""Settings that are applied later, to batches, and do not change the stored pixels."""

Report = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class PreparedImages:
    """The prepared images of a dataset, or its masks.

    Attributes:
        pixels: (M, S, S, 3) uint8 RGB, or (M, S, S) uint8 class numbers of masks; memory-mapped read-only, one row for
            each distinct content.
        rows: (N,) int64, the row of `pixels` for each row of the dataset's table.
        geometries: (M, 10) int32, the position of each row of `pixels` on its scan; see `Geometry.numbers`.
    """

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    geometries: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Return image or mask `index` of the dataset's table."""
        image: NDArray[np.uint8] = self.pixels[self.rows[index]]
        return image

    def geometry(self, index: int) -> Geometry:
        """Return the position of image or mask `index` of the dataset's table on its scan; nothing is decoded."""
        return Geometry.from_numbers(self.geometries[self.rows[index]])


def prepared_images(
    dataset: Dataset,
    settings: PreparationConfig,
    report_progress: Report | None = None,
    watch: Callable[[int, NDArray[np.uint8]], None] | None = None,
) -> PreparedImages:
    """Return the prepared images of a dataset from the cache; fill the cache first if necessary.

    If two processes call this at once, one fills the cache and the other waits.

    Args:
        dataset: The images; its table does not list unreadable files.
        settings: How to prepare them.
        report_progress: Called with (images prepared, images in all) while the cache is filled.
        watch: Called with the row and the pixels, (H, W, 3) uint8, of each image that is decoded to fill the cache;
            several threads call it.

    Raises:
        ScanError: A file can no longer be read.
        DataError: A file changed since the dataset was opened, or the disk is full.
    """

    def prepare_row(row: int) -> Prepared:
        pixels = dataset.read(row)
        if watch:
            watch(row, pixels)
        return prepare(pixels, settings)

    facts = {"settings": settings.model_dump(exclude=LATER)}
    return _cached(dataset.table["sha256"], facts, (settings.size, settings.size, 3), prepare_row, report_progress)


def prepared_masks(
    dataset: MaskedDataset,
    settings: PreparationConfig,
    report_progress: Report | None = None,
    images: PreparedImages | None = None,
) -> PreparedImages:
    """Return the masks of a dataset, aligned with its prepared images and cached in the same way.

    Args:
        dataset: Images with masks.
        settings: How the images are prepared; the masks get the same crop and size.
        report_progress: Called with (masks prepared, masks in all) while the cache is filled.
        images: The prepared images of the same dataset and settings, for their geometry. Without them, each image is
            decoded again to find it.

    Raises:
        ScanError: A file can no longer be read.
        DataError: A file changed since the dataset was opened, or the disk is full.
    """

    def prepare_row(row: int) -> Prepared:
        geometry = images.geometry(row) if images is not None else find_geometry(dataset.read(row), settings)
        return Prepared(geometry.to_square(dataset.read_mask(row), settings.size), geometry)

    facts: dict[str, object] = {
        "settings": settings.model_dump(include={"size", "crop", "resize"}),
        "values": sorted(dataset.mask_values.items()),
    }
    if dataset.mask_threshold is not None:
        facts["threshold"] = dataset.mask_threshold
    turns = dataset.table["mask_turn"].map(lambda turn: "" if turn == 1 else f" turned {turn}")
    contents = dataset.table["sha256"] + " " + dataset.table["mask_sha256"] + turns
    return _cached(contents, facts, (settings.size, settings.size), prepare_row, report_progress)


def _cached(
    contents: pd.Series[str],
    facts: Mapping[str, object],
    shape: tuple[int, ...],
    prepare_row: Callable[[int], Prepared],
    report_progress: Report | None,
) -> PreparedImages:
    """Return one array of `shape` for each distinct content, all from one cache file."""
    keys = sorted(set(contents))
    name = _digest({"version": VERSION, "schema": SCHEMA, **facts, "images": keys})[:32]
    file = paths.subfolder("cache", "prepared") / f"{name}.npy"
    if not file.exists():
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                remove_leftovers(file)
                first_rows = {key: row for row, key in reversed(list(enumerate(contents)))}
                positions = [first_rows[key] for key in keys]
                write_atomically(
                    file, lambda temporary: _fill(temporary, positions, shape, prepare_row, report_progress)
                )
    row_of = {key: row for row, key in enumerate(keys)}
    pixels, geometries = _load(file)
    return PreparedImages(pixels, np.array([row_of[key] for key in contents], dtype=np.int64), geometries)


def _digest(facts: Mapping[str, object]) -> str:
    return sha256_bytes(json.dumps(facts, sort_keys=True).encode())


def _fill(
    file: Path,
    positions: list[int],
    shape: tuple[int, ...],
    prepare_row: Callable[[int], Prepared],
    report_progress: Report | None,
) -> None:
    start = _new_array(file, (len(positions), *shape))
    geometries = np.zeros((len(positions), Geometry.NUMBERS), dtype=np.int32)
    size = math.prod(shape)
    with file.open("r+b") as stream, ThreadPoolExecutor(max_workers=4) as pool:
        one_at_a_time = threading.Lock()

        # Written and not memory-mapped: the first touch of each mapped page costs more than the copy of its bytes, and
        # all pages would count as memory of this process.
        def fill_row(row: int) -> None:
            prepared = prepare_row(positions[row])
            geometries[row] = prepared.geometry.numbers()
            with one_at_a_time:
                stream.seek(start + row * size)
                stream.write(np.ascontiguousarray(prepared.pixels).data)

        for done, _ in enumerate(pool.map(fill_row, range(len(positions))), start=1):
            if report_progress:
                report_progress(done, len(positions))
    with file.open("ab") as end:
        np.save(end, geometries)


def _load(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    with file.open("rb") as stream:
        pixels = np.lib.format.open_memmap(file, mode="r")
        stream.seek(pixels.offset + pixels.nbytes)
        return pixels, np.load(stream)


def _new_array(file: Path, shape: tuple[int, ...]) -> int:
    """Create the array, reserve its space, and return the place of its first byte in the file."""
    check_free_space(file.parent, math.prod(shape), "The prepared images")
    try:
        array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            with file.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    except OSError as error:
        raise DataError(
            f"The prepared images need {math.prod(shape) / 1e6:,.0f} MB, more than {file.parent} can store "
            f"({error.strerror}, {free_space(file.parent)} are free): free some space, or set BRAINSEG_HOME to a "
            "folder on another disk."
        ) from error
    return int(array.offset)
