"""The images of a robustness check: a random sample of those that the run was evaluated on, unchanged since then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.config import DataConfig
from brainseg.datasets.image_reading import read_named
from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.modalities import parse_inputs, stack
from brainseg.datasets.split_table import evaluated_set
from brainseg.errors import DataError, ScanError
from brainseg.files import sha256_file
from brainseg.scans import Scan

_CHANGED = (
    "{missing} of the {count} images that were drawn were changed or removed since the run was evaluated on them "
    "(first: {first}): put them back to measure its robustness."
)
Read = Callable[[int], np.ndarray]


@dataclass(frozen=True, eq=False)
class CheckedImages:
    """The sampled images of a check.

    Attributes:
        table: One row per image, sorted by path: `path`, `label`, `group`, `sha256` and `twin`, as in `split.csv`.
        groups: (N,) int64, images with the same number are not independent.
        with_heatmap: (N,) bool, the images whose heatmaps are compared: another random sample.
        evaluated_on: "valid" or "test".
        held_out: Number of images that the sample was drawn from.
        read: Returns the pixels of a row as the model's preparation takes them, (H, W, 3) uint8.
    """

    table: pd.DataFrame
    groups: np.ndarray
    with_heatmap: np.ndarray
    evaluated_on: str
    held_out: int
    read: Read

    def __len__(self) -> int:
        return len(self.table)


def sample_images(
    split: pd.DataFrame, place: Path, data: DataConfig, version: int, most: int, heatmaps: int, seed: int
) -> CheckedImages:
    """Draw images from the evaluated set of a run, and check that they are those that it was evaluated on.

    Args:
        split: The set of each image, from `read_split`.
        place: The dataset's folder or manifest.
        data: The run's settings of its dataset.
        version: Version of the model's preparation.
        most: Most images to draw.
        heatmaps: Most images whose heatmaps are compared.
        seed: Seed of the draw; a larger `most` adds images to those of a smaller one.

    Raises:
        DataError: The dataset no longer exists, an image changed or is gone, or no image was held out.
    """
    side = evaluated_set(split["split"])
    held_out = split[split["split"] == side].sort_values("path", ignore_index=True)
    if held_out.empty:
        raise DataError("The split of the run has no held-out images, so its robustness cannot be measured.")
    if not place.exists():
        raise DataError(f"The dataset {place} no longer exists: put it back to measure robustness on its images.")
    order = np.random.default_rng(seed).permutation(len(held_out))[:most]
    drawn = np.sort(order)
    table = held_out.iloc[drawn].reset_index(drop=True)
    read = _plain_reader(table, place, version) if not data.modalities else _stack_reader(table, place, data, version)
    with_heatmap = np.isin(drawn, order[:heatmaps])
    return CheckedImages(table, leak_groups(table), with_heatmap, side, len(held_out), read)


def _plain_reader(table: pd.DataFrame, place: Path, version: int) -> Read:
    """Return the reader of images that are one file each."""
    root = place.parent if place.is_file() else place
    _refuse_changed(table, {path: _digest(root / path) for path in table["path"]})

    def read(row: int) -> np.ndarray:
        path, digest = table["path"].iloc[row], table["sha256"].iloc[row]
        return _unchanged(root, path, digest).pixels_of(version)

    return read


def _stack_reader(table: pd.DataFrame, place: Path, data: DataConfig, version: int) -> Read:
    """Return the reader of images that are put together from the files of several sequences."""
    dataset = open_masked_dataset(place, data.modalities, None, data.groups, data.mask_threshold)
    known = dataset.table.set_index("path")
    _refuse_changed(table, dict(known["sha256"]))

    def read(row: int) -> np.ndarray:
        inputs = parse_inputs(known["inputs"].loc[table["path"].iloc[row]])
        files = {path: _unchanged(dataset.root, path, digest).pixels_of(version) for path, digest, _ in inputs}
        return stack([files[path][..., channel] for path, _, channel in inputs])

    return read


def _digest(file: Path) -> str:
    """Return the hash of a file; "" if it is gone or cannot be read."""
    try:
        return sha256_file(file)
    except OSError:
        return ""


def _refuse_changed(table: pd.DataFrame, now: dict[str, str]) -> None:
    """Refuse images whose hash is another now: before any work, since a check takes minutes."""
    pairs = zip(table["path"], table["sha256"], strict=True)
    if changed := [path for path, digest in pairs if now.get(path) != digest]:
        raise DataError(_CHANGED.format(missing=len(changed), count=len(table), first=changed[0]))


def _unchanged(root: Path, path: str, digest: str) -> Scan:
    scan = read_named(root, path)
    if scan.sha256 != digest:
        raise ScanError(f"{path} changed during the measurement: start it again.")
    return scan
