"""Counts of actual and predicted classes of pixels, from which every score is derived."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from brainseg.datasets.mask_classes import MOST_CLASSES


class Counts(NamedTuple):
    """Pixel counts of one class against all others; numbers or arrays of the same shape, int64.

    Attributes:
        tp: Pixels of the class that were predicted as it.
        fp: Pixels of another class that were predicted as this one.
        fn: Pixels of the class that were predicted as another.
        tn: Pixels of another class that were predicted as another.
    """

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels by actual and predicted class.

    Args:
        truth: (H, W) uint8 class numbers.
        predicted: (H, W) uint8 class numbers.
        classes: Number of classes, including the background; 2 to `MOST_CLASSES` + 1.

    Returns:
        (classes, classes) int64: rows are actual, columns predicted classes.

    Raises:
        ValueError: The shapes or types differ, or a class number is too large.

    Examples:
        >>> truth = np.array([[0, 1], [1, 1]], np.uint8)
        >>> confusion(truth, np.array([[0, 0], [1, 1]], np.uint8), 2).tolist()
        [[1, 0], [1, 2]]
    """
    if truth.shape != predicted.shape or truth.ndim != 2:
        raise ValueError(
            f"truth and predicted must be two masks of the same shape, got {truth.shape} and {predicted.shape}."
        )
    if not 2 <= classes <= MOST_CLASSES + 1:
        raise ValueError(f"classes must be 2 to {MOST_CLASSES + 1}, got {classes}.")
    for name, mask in (("truth", truth), ("predicted", predicted)):
        if mask.dtype != np.uint8 or (mask.size and mask.max() >= classes):
            raise ValueError(f"{name} must hold uint8 class numbers below {classes}, got {mask.dtype} {mask.max()}.")
    if classes == 2:
        return _binary(truth, predicted)
    pairs = truth.astype(np.uint16).ravel() * np.uint16(classes) + predicted.ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def _binary(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the matrix of two classes; counting ones is several times faster than a histogram of pairs."""
    both = int(np.count_nonzero(truth & predicted))
    actual, called = int(np.count_nonzero(truth)), int(np.count_nonzero(predicted))
    neither = truth.size - actual - called + both
    return np.array([[neither, called - both], [actual - both, both]], dtype=np.int64)


def class_counts(matrix: np.ndarray) -> Counts:
    """Return the counts of every class against the rest.

    Args:
        matrix: (..., classes, classes) int64, from `confusion`.

    Returns:
        Counts of shape (..., classes).
    """
    tp = np.diagonal(matrix, axis1=-2, axis2=-1)
    fn, fp = matrix.sum(axis=-1) - tp, matrix.sum(axis=-2) - tp
    return Counts(tp, fp, fn, matrix.sum(axis=(-2, -1))[..., None] - tp - fp - fn)


def foreground_counts(matrix: np.ndarray) -> Counts:
    """Return the counts of all other classes together against the background.

    Args:
        matrix: (..., classes, classes) int64, background first.

    Returns:
        Counts of shape (...).
    """
    tn = matrix[..., 0, 0]
    fp, fn = matrix[..., 0, 1:].sum(axis=-1), matrix[..., 1:, 0].sum(axis=-1)
    return Counts(matrix[..., 1:, 1:].sum(axis=(-2, -1)), fp, fn, tn)
