"""The four cases of a mask (both empty, missed, false alarm, overlap), which a mean Dice hides, counted in one place.

Libraries disagree on how an empty mask counts, so missed tumours and false alarms may vanish from a mean. The counts
are therefore shown with every mean.
"""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd

from brainseg.evaluation.segmentation.patients import patient_codes, summed
from brainseg.evaluation.stored import Cases, MaskCases

CONNECTIVITY = 8
"""Pixels that touch by a side or a corner belong to one lesion."""
LESIONS = ("lesions", "lesions_found", "regions", "regions_false")
"""Columns of a table of slices: true lesions, those that the mask touches, marked regions, those that touch none."""


def count_lesions(truth: np.ndarray, predicted: np.ndarray) -> dict[str, int]:
    """Count lesions and marked regions of a slice.

    Args:
        truth: (H, W) class numbers; 0 is background.
        predicted: (H, W) class numbers.

    Returns:
        The values of the columns `LESIONS`.

    Examples:
        >>> truth = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], np.uint8)
        >>> marked = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], np.uint8)
        >>> count_lesions(truth, marked)
        {'lesions': 2, 'lesions_found': 1, 'regions': 2, 'regions_false': 1}
    """
    lesions, found = _touched(truth > 0, predicted > 0)
    regions, true = _touched(predicted > 0, truth > 0)
    return dict(zip(LESIONS, (lesions, found, regions, regions - true), strict=True))


def _touched(mask: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """Return the number of regions of a mask, and of those that share a pixel with another mask."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=CONNECTIVITY)
    return count - 1, len(np.unique(numbers[other & mask]))


def count_cases(table: pd.DataFrame) -> MaskCases:
    """Count the cases of a table of slices.

    Args:
        table: A table from `slice_table`, with the columns `LESIONS`.
    """
    codes = patient_codes(table)
    pixels = table[["tp", "fp", "fn"]].to_numpy(dtype=np.int64)
    lesions = {name: int(table[name].sum()) for name in LESIONS}
    return {
        "slices": _cases(pixels),
        "patients": _cases(summed(pixels, codes)),
        "lesions": lesions["lesions"],
        "lesions_found": lesions["lesions_found"],
        "regions": lesions["regions"],
        "regions_false": lesions["regions_false"],
        "connectivity": CONNECTIVITY,
    }


def _cases(pixels: np.ndarray) -> Cases:
    """Return the cases of (N, 3) true positive, false positive and false negative pixels."""
    tp, fp, fn = pixels.T
    actual, marked = tp + fn > 0, tp + fp > 0
    return {
        "both_empty": int((~actual & ~marked).sum()),
        "missed": int((actual & ~marked).sum()),
        "false_alarm": int((~actual & marked).sum()),
        "overlap": int((tp > 0).sum()),
        "apart": int((actual & marked & (tp == 0)).sum()),
    }
