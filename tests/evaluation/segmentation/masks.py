"""Random masks, including difficult ones, and tables made from them."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd

from brainseg.evaluation.segmentation import slice_table

KINDS = ("blobs", "noise", "both empty", "truth empty", "prediction empty", "both full", "same", "one pixel")


def blob(random: np.random.Generator, shape: tuple[int, int], classes: int = 2) -> np.ndarray:
    field = cv2.GaussianBlur(random.random(shape).astype(np.float32), (0, 0), 4)
    levels = np.quantile(field, np.linspace(0.7, 1, classes)[:-1])
    return np.searchsorted(levels, field).astype(np.uint8)


def pair(random: np.random.Generator, kind: str, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """A true and a predicted mask of one random shape."""
    shape = (int(random.integers(3, 40)), int(random.integers(3, 40)))
    empty = np.zeros(shape, np.uint8)
    full = np.full(shape, classes - 1, np.uint8)
    truth, predicted = blob(random, shape, classes), blob(random, shape, classes)
    if kind == "noise":
        truth, predicted = (random.integers(0, classes, shape).astype(np.uint8) for _ in range(2))
    if kind == "one pixel":
        truth, predicted = empty.copy(), empty.copy()
        truth[0, 0], predicted[-1, -1] = 1, 1
    return {
        "both empty": (empty, empty.copy()),
        "truth empty": (empty, predicted),
        "prediction empty": (truth, empty),
        "both full": (full, full.copy()),
        "same": (truth, truth.copy()),
    }.get(kind, (truth, predicted))


def pairs(count: int, classes: int = 2, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(seed)
    return [pair(random, KINDS[number % len(KINDS)], classes) for number in range(count)]


def evaluated(
    masks: list[tuple[np.ndarray, np.ndarray]],
    groups: list[str] | None = None,
    spacing: str = "",
    classes: tuple[str, ...] = ("background", "tumour"),
) -> pd.DataFrame:
    """The table of slices of pairs of masks."""
    rows = pd.DataFrame({"path": [f"{number:04d}.png" for number in range(len(masks))], "spacing": spacing})
    rows["group"] = groups if groups is not None else [f"p{number // 4}" for number in range(len(masks))]
    return slice_table(rows, (truth for truth, _ in masks), (predicted for _, predicted in masks), classes)


def square(top: int, left: int, side: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask
