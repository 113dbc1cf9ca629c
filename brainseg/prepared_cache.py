"""Prepared images on disk: decoded and prepared once, then one memory-mapped array for every run that needs them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from brainseg import paths
from brainseg.config import PreparationConfig
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.files import remove_leftovers, sha256_bytes, write_atomically
from brainseg.preparation import VERSION, prepare
from brainseg.scans import read_scan


@dataclass(frozen=True)
class PreparedImages:
    """The prepared images of a dataset.

    Attributes:
        pixels: (M, S, S, 3) uint8, memory-mapped read-only; one row for each distinct file content.
        rows: (N,) int64, the row of `pixels` for each row of the dataset's table.
    """

    pixels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return image `index` of the dataset's table, (S, S, 3) uint8."""
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
    table = dataset.table
    first = table.drop_duplicates("sha256").sort_values("sha256")
    hashes = first["sha256"].to_list()
    file = paths.subfolder("cache", "prepared") / f"{_key(hashes, settings)}.npy"
    if not file.exists():
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                sources = [(dataset.file(path), digest) for path, digest in zip(first["path"], hashes, strict=True)]
                remove_leftovers(file)
                write_atomically(file, lambda temporary: _fill(temporary, sources, settings, progress))
    row_of = {digest: row for row, digest in enumerate(hashes)}
    rows = np.array([row_of[digest] for digest in table["sha256"]], dtype=np.int64)
    return PreparedImages(np.load(file, mmap_mode="r"), rows)


def _key(hashes: list[str], settings: PreparationConfig) -> str:
    # Normalising happens on the batch, so it does not change what is stored.
    facts = {"version": VERSION, "settings": settings.model_dump(exclude={"normalise"}), "images": hashes}
    return sha256_bytes(json.dumps(facts, sort_keys=True).encode())[:32]


def _fill(
    file: Path,
    sources: list[tuple[Path, str]],
    settings: PreparationConfig,
    progress: Callable[[int, int], None] | None,
) -> None:
    array = _new_array(file, (len(sources), settings.size, settings.size, 3))

    def fill_row(row: int) -> None:
        source, digest = sources[row]
        scan = read_scan(source)
        if scan.sha256 != digest:
            raise DataError(f"{source.name} changed while it was being read: start again.")
        array[row] = prepare(scan.pixels, settings).pixels

    with ThreadPoolExecutor(max_workers=4) as pool:
        for done, _ in enumerate(pool.map(fill_row, range(len(sources))), start=1):
            if progress:
                progress(done, len(sources))
    array.flush()


def _new_array(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Make the array with all its space taken: later, a full disk would kill the process in the middle of an image."""
    try:
        array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
            with file.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    except OSError as error:
        raise DataError(
            f"The prepared images need {math.prod(shape) / 1e6:,.0f} MB, which {file.parent} has no room for "
            f"({error.strerror}): free some, or set BRAINSEG_HOME to a folder on another disk."
        ) from error
    return array
