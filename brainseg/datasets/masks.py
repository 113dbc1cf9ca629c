"""`MaskedDataset`: images with one mask each, for segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd

from brainseg.datasets.findings import UNDECIDED
from brainseg.datasets.mask_classes import BACKGROUND, TUMOUR, class_numbers, in_colours
from brainseg.datasets.mask_store import MaskStore
from brainseg.datasets.mask_values import turned
from brainseg.datasets.modalities import parse_inputs, read_stack
from brainseg.datasets.table import COLUMNS, Dataset
from brainseg.errors import DataError
from brainseg.files import sha256_bytes

NO_TUMOUR = "no tumour"
MASK_COLUMNS = [*COLUMNS, "mask", "mask_sha256", "mask_pixels", "mask_turn", "spacing", "inputs"]


@dataclass(frozen=True)
class MaskedDataset(Dataset):
    """Images with their masks.

    The table has further columns: `mask` (path relative to the root), `mask_sha256`, `mask_pixels` (int, number of
    pixels that are not background), `mask_turn` (the EXIF orientation, 1 to 8, that a mask without one takes from its
    image), `spacing` ("row column" in mm, "" if unknown; see `parse_spacing`) and `inputs` (files and channels of the
    chosen sequences, "" for the image as stored). `label` says whether a slice has a tumour, so splits and reports work
    as for classification; `classes` are the labels that occur. `sha256` covers everything that the model receives: it
    differs from the file's hash if sequences are chosen.

    Attributes:
        mask_classes: Names of the pixel classes by number, background first.
        mask_values: Value in the mask files -> class number.
        modalities: The chosen sequences in order, or None for images as stored.
        channels: Sequences of the three channels that `read` returns, or () if they are not known for all images.
        mask_threshold: Mask values from this number up are tumour, and `mask_values` is ignored; None without one.
        store: Keeps decoded masks.
    """

    mask_classes: tuple[str, ...] = (BACKGROUND, TUMOUR)
    mask_values: Mapping[int, int] = field(default_factory=dict)
    modalities: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ()
    mask_threshold: float | None = None
    store: MaskStore = field(default_factory=MaskStore, repr=False, compare=False)

    def _digest(self, table: pd.DataFrame) -> str:
        """Return the SHA-256 over the facts in `Dataset._digest`, the masks, their classes and the sequences."""
        masks = "\n".join(self.table["mask_sha256"])
        rule = "" if self.mask_threshold is None else f"\nfrom {self.mask_threshold:g}"
        return sha256_bytes(f"{super()._digest(table)}\n{self.mask_classes}\n{self.modalities}\n{masks}{rule}".encode())

    def read(self, row: int) -> np.ndarray:
        """Return the pixels of a slice, (H, W, 3) uint8: one sequence in all channels, two as first, second, first.

        Raises:
            ScanError: A file can no longer be read.
            DataError: A file has changed.
        """
        inputs = parse_inputs(self.table["inputs"].iloc[row])
        return read_stack(self.root, inputs) if inputs else super().read(row)

    def read_mask(self, row: int) -> np.ndarray:
        """Return the mask of a slice on the scan's own grid, (H, W) uint8 class numbers; it is decoded at most once.

        Raises:
            ScanError: The file can no longer be read.
            DataError: The file has changed.
        """
        file = self.file(self.table["mask"].iloc[row])
        mask = self.store.read(self.root, self.table["mask"].iloc[row], in_colours(self.mask_values))
        if mask.sha256 != self.table["mask_sha256"].iloc[row]:
            raise DataError(f"{file.name} changed while it was being read: start again.")
        values = turned(mask.values, int(self.table["mask_turn"].iloc[row]))
        return class_numbers(values, self.mask_values, file.name, self.mask_threshold)

    def usable(self, skip_bad: bool, conflicting: bool = False) -> Self:
        """Return the dataset if a training may start from it.

        Raises:
            DataError: Files cannot be used and `skip_bad` is off, no image is left, or no mask has a tumour.
        """
        self.refuse_bad(skip_bad)
        self.refuse(UNDECIDED)
        if not len(self.table):
            raise DataError(f"{self.root} has no usable image with a mask: check the masks.")
        if not self.table["mask_pixels"].any():
            lost = next((bad.reason for bad in self.bad if bad.path not in set(self.table["path"])), "")
            why = " (values below data.mask_threshold are background: lower it)" if self.mask_threshold else ""
            left_out = f" Left out: {lost}" if lost else ""
            raise DataError(f"{self.root}: no mask has a tumour pixel, so there is nothing to learn{why}.{left_out}")
        return self


def parse_spacing(text: str) -> tuple[float, float] | None:
    """Return (row, column) spacing in mm from the table's column `spacing`, or None if it is unknown."""
    if not text:
        return None
    row, column = (float(part) for part in text.split())
    return row, column
