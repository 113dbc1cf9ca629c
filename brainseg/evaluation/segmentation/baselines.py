"""Baselines that a useful model must beat: marking nothing, and a threshold.

Neither needs to decode images again: the first is all zeros, and the second is computed while images are prepared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import pandas as pd

from brainseg.datasets.masks import MaskedDataset
from brainseg.evaluation.segmentation.slices import slice_table
from brainseg.preparation import HEAD_LEVEL, head_box


def otsu(pixels: np.ndarray, channel: int | None = None) -> np.ndarray:
    """Return a mask of the pixels in the head above Otsu's threshold (Otsu 1979, IEEE Trans. SMC 9, 62-66).

    Args:
        pixels: (H, W, 3) uint8.
        channel: The channel to use, FLAIR if there is one; None for the grey level of all three.

    Returns:
        (H, W) uint8: 1 where bright, 0 elsewhere.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if channel is None else np.ascontiguousarray(pixels[..., channel])
    top, left, height, width = head_box(pixels)
    mask = np.zeros_like(grey)
    part = grey[top : top + height, left : left + width]
    head = part > HEAD_LEVEL * part.max()
    if head.any() and part[head].min() < part[head].max():
        # Otherwise, the black around the head would be the darker of Otsu's two classes.
        level, _ = cv2.threshold(part[head], 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        mask[top : top + height, left : left + width] = head & (part > level)
    return mask


class OtsuMasks:
    """The masks of `otsu` for chosen slices, each computed when its image is decoded for another purpose.

    If an image was not decoded before its mask is needed, it is decoded then. Threads may share one instance.

    Args:
        dataset: Images with masks.
        rows: Row numbers of the slices, (n,) integers.
    """

    def __init__(self, dataset: MaskedDataset, rows: Iterable[int]) -> None:
        self.dataset, self.rows = dataset, frozenset(int(row) for row in rows)
        self.channel = dataset.channels.index("FLAIR") if "FLAIR" in dataset.channels else None
        self._bits: dict[int, tuple[tuple[int, int], np.ndarray]] = {}

    def compute(self, row: int, pixels: np.ndarray) -> None:
        """Compute the mask of a row from its decoded image, (H, W, 3) uint8; rows that were not chosen are ignored."""
        if row in self.rows:
            mask = otsu(pixels, self.channel)
            self._bits[row] = (pixels.shape[0], pixels.shape[1]), np.packbits(mask)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the mask of a chosen row, (H, W) uint8.

        Raises:
            KeyError: The row was not chosen.
            ScanError: The image can no longer be read.
            DataError: The image has changed.
        """
        if row in self.rows and row not in self._bits:
            self.compute(row, self.dataset.read(row))
        (height, width), bits = self._bits[row]
        return np.unpackbits(bits, count=height * width).reshape(height, width)


def evaluate_baselines(
    rows: pd.DataFrame, truths: Sequence[np.ndarray], otsu_masks: Iterable[np.ndarray], classes: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Evaluate both baselines on the scans' own grids.

    Args:
        rows: The slices' `path`, `group` and `spacing`.
        truths: The true mask of each row, (H, W) uint8 class numbers.
        otsu_masks: The mask of `otsu` of each row, (H, W) uint8.
        classes: Names of the pixel classes, background first.

    Returns:
        "all background" and "Otsu", each with its table of slices (see `slice_table`).
    """
    nothing = (np.zeros_like(truth) for truth in truths)
    return {
        "all background": slice_table(rows, truths, nothing, classes),
        "Otsu": slice_table(rows, truths, otsu_masks, classes),
    }
