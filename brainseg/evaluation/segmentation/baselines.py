"""What a model must beat to be worth anything: predicting nothing, and a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd

from brainseg.datasets.masks import MaskedDataset
from brainseg.evaluation.segmentation.slices import slice_table
from brainseg.preparation import HEAD_LEVEL, head_box


def all_background(pixels: np.ndarray) -> np.ndarray:
    """Return the mask that finds no tumour anywhere, (H, W) uint8 of zeros, for an image (H, W, 3)."""
    return np.zeros(pixels.shape[:2], dtype=np.uint8)


def otsu(pixels: np.ndarray, channel: int | None = None) -> np.ndarray:
    """Return what is brighter than Otsu's threshold inside the head (Otsu 1979, IEEE Trans. SMC 9, 62-66).

    Args:
        pixels: (H, W, 3) uint8.
        channel: Which channel to look at, FLAIR where there is one; None takes the grey of all three.

    Returns:
        (H, W) uint8: 1 where bright, 0 elsewhere.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if channel is None else np.ascontiguousarray(pixels[..., channel])
    top, left, height, width = head_box(pixels)
    mask = np.zeros_like(grey)
    part = grey[top : top + height, left : left + width]
    head = part > HEAD_LEVEL * part.max()
    if head.any() and part[head].min() < part[head].max():
        # The black around the head would otherwise be the darker of Otsu's two classes.
        level, _ = cv2.threshold(part[head], 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        mask[top : top + height, left : left + width] = head & (part > level)
    return mask


def judge_baselines(dataset: MaskedDataset, rows: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Judge both baselines on the scans' own grid.

    Args:
        dataset: Images with masks.
        rows: Row numbers of the slices to judge.

    Returns:
        "all background" and "Otsu", each with its table of slices (see `slice_table`).

    Raises:
        ScanError: A file cannot be read any more.
        DataError: A file has changed.
    """
    named = dataset.table.iloc[list(rows)]
    channel = dataset.channels.index("FLAIR") if "FLAIR" in dataset.channels else None
    draws = {"all background": all_background, "Otsu": lambda pixels: otsu(pixels, channel)}
    return {
        name: slice_table(
            named,
            (dataset.read_mask(row) for row in rows),
            (draw(dataset.read(row)) for row in rows),
            dataset.mask_classes,
        )
        for name, draw in draws.items()
    }
