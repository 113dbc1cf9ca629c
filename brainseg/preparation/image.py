"""Turn a scan's pixels into the square that a model receives: one deterministic function for training and diagnosis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from brainseg.config import PreparationConfig

VERSION = 2
"""Increased with every change of the prepared pixels; caches of other versions are not used. Since version 2, images
with more than 8 bits per pixel are shown through a robust window."""
KNOWN_VERSIONS = (1, 2)
"""Bundles with these versions answer as they did when they were made: see `Scan.pixels_of`. Others are refused."""

HEAD_LEVEL = 0.08
"""Pixels above this fraction of the brightest value belong to the head; scanner noise stays below it."""
SMALLEST_HEAD = 0.05
"""If the detected head covers less than this fraction of the image, the image is not cropped."""


@dataclass(frozen=True)
class Geometry:
    """The position of a prepared square on its scan; all numbers in pixels.

    Attributes:
        scan: (height, width) of the scan.
        box: (top, left, height, width) of the cropped part on the scan.
        inner: (top, left, height, width) of that part on the prepared square; the rest is padding.
    """

    scan: tuple[int, int]
    box: tuple[int, int, int, int]
    inner: tuple[int, int, int, int]

    NUMBERS: ClassVar[int] = 10
    """Number of integers that `numbers` returns."""

    def numbers(self) -> tuple[int, ...]:
        """Return the ten integers of `scan`, `box` and `inner`, in this order, for storage."""
        return (*self.scan, *self.box, *self.inner)

    @classmethod
    def from_numbers(cls, numbers: Iterable[int]) -> Geometry:
        """Build a geometry from the integers that `numbers` returned.

        >>> geometry = Geometry((40, 30), (0, 5, 40, 20), (0, 8, 32, 16))
        >>> Geometry.from_numbers(geometry.numbers()) == geometry
        True
        """
        rows, columns, *rest = (int(number) for number in numbers)
        top, left, height, width, inner_top, inner_left, inner_height, inner_width = rest
        inner = (inner_top, inner_left, inner_height, inner_width)
        return cls((rows, columns), (top, left, height, width), inner)

    def to_scan(self, values: np.ndarray) -> np.ndarray:
        """Map values of the prepared square back to the scan, by bilinear interpolation.

        Args:
            values: (S, S) float32, for example a heatmap.

        Returns:
            (H, W) float32 of the scan's size; 0 outside the cropped part.
        """
        top, left, height, width = self.inner
        part = np.ascontiguousarray(values[top : top + height, left : left + width], dtype=np.float32)
        full = np.zeros(self.scan, dtype=np.float32)
        top, left, height, width = self.box
        full[top : top + height, left : left + width] = cv2.resize(part, (width, height))
        return full

    def to_square(self, mask: np.ndarray, size: int) -> np.ndarray:
        """Map a mask of the scan to the prepared square, by nearest neighbour, because classes cannot be averaged.

        Args:
            mask: (H, W) uint8 class numbers, of the scan's size.
            size: Side S of the square.

        Returns:
            (S, S) uint8; 0 in the padding.
        """
        top, left, height, width = self.box
        part = np.ascontiguousarray(mask[top : top + height, left : left + width])
        top, left, height, width = self.inner
        square = np.zeros((size, size), dtype=np.uint8)
        square[top : top + height, left : left + width] = cv2.resize(
            part, (width, height), interpolation=cv2.INTER_NEAREST_EXACT
        )
        return square


@dataclass(frozen=True)
class Prepared:
    """A prepared square, (S, S, 3) uint8 RGB, and its position on the scan."""

    pixels: np.ndarray
    geometry: Geometry


def prepare(pixels: np.ndarray, settings: PreparationConfig) -> Prepared:
    """Crop to the head, reduce noise, improve contrast and resize.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        settings: The steps, and the side S of the result. Batches are normalised later (`models.inputs`).

    Returns:
        The prepared square. On one machine, equal pixels and settings give equal bytes.
    """
    geometry = find_geometry(pixels, settings)
    top, left, height, width = geometry.box
    part = _contrast(_denoise(pixels[top : top + height, left : left + width], settings.denoise), settings.contrast)
    return Prepared(_resize(part, settings.size, geometry.inner), geometry)


def find_geometry(pixels: np.ndarray, settings: PreparationConfig) -> Geometry:
    """Return the geometry of a scan, (H, W, 3) uint8, as in `prepare`, without preparing its pixels."""
    box = head_box(pixels) if settings.crop else (0, 0, *pixels.shape[:2])
    return Geometry(pixels.shape[:2], box, _inner(box, settings.size, keep_proportions=settings.resize == "pad"))


def head_box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Find the head: the largest connected region above the background, ignoring thin text and frames.

    Args:
        pixels: (H, W, 3) uint8.

    Returns:
        (top, left, height, width) in pixels; the whole image if no plausible head is found.
    """
    from brainseg.scans.parts import part_statistics  # here, since the list of runs needs no reader of images

    grey = cv2.GaussianBlur(_brightest_channel(pixels), (5, 5), 0)
    _, mask = cv2.threshold(grey, math.floor(HEAD_LEVEL * int(grey.max())), 1, cv2.THRESH_BINARY)  # 1 above the level
    height, width = grey.shape
    # The kernel size depends on the image size, so thin text and frame lines are cut off at any resolution.
    side = max(3, min(height, width) // 50)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    stats = part_statistics(np.asarray(mask, dtype=np.uint8))
    if not len(stats):
        return 0, 0, height, width
    left, top, box_width, box_height, area = stats[stats[:, cv2.CC_STAT_AREA].argmax()].tolist()
    if area < SMALLEST_HEAD * height * width:
        return 0, 0, height, width
    return top, left, box_height, box_width


def _brightest_channel(pixels: np.ndarray) -> np.ndarray:
    """Return the largest of the three values of each pixel, (H, W) uint8; many times faster than NumPy's `max`."""
    red, green, blue = cv2.split(pixels)
    return cv2.max(cv2.max(red, green), blue)


def _denoise(pixels: np.ndarray, method: str) -> np.ndarray:
    if method == "median":
        return cv2.medianBlur(pixels, 3)
    if method == "non-local-means":
        return _each_channel(
            pixels,
            lambda channel: cv2.fastNlMeansDenoising(channel, None, 7, templateWindowSize=5, searchWindowSize=15),
        )
    return pixels


def _contrast(pixels: np.ndarray, method: str) -> np.ndarray:
    if method == "clahe":
        return _each_channel(pixels, cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply)
    if method == "stretch":
        return _each_channel(pixels, _stretch)
    return pixels


def _each_channel(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Change each channel separately, because channels may be different sequences."""
    return np.dstack([change(np.ascontiguousarray(pixels[..., channel])) for channel in range(3)])


def _stretch(channel: np.ndarray) -> np.ndarray:
    low, high = np.percentile(channel, (1, 99))
    if high <= low:
        return channel
    stretched: np.ndarray = np.clip((channel.astype(np.float32) - low) * (255 / (high - low)), 0, 255)
    return stretched.astype(np.uint8)


def _inner(box: tuple[int, int, int, int], size: int, keep_proportions: bool) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of a scan's `box` on the square of side `size`."""
    _, _, height, width = box
    scale = size / max(height, width)
    new_height = max(1, round(height * scale)) if keep_proportions else size
    new_width = max(1, round(width * scale)) if keep_proportions else size
    return (size - new_height) // 2, (size - new_width) // 2, new_height, new_width


def _resize(pixels: np.ndarray, size: int, inner: tuple[int, int, int, int]) -> np.ndarray:
    top, left, height, width = inner
    # Area averaging keeps thin structures when shrinking; when enlarging, it would only repeat pixels.
    shrinks = height * width < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: np.ndarray = cv2.resize(pixels, (width, height), interpolation=method)
    if resized.shape == (size, size, 3):
        return resized
    square = np.zeros((size, size, 3), dtype=np.uint8)
    square[top : top + height, left : left + width] = resized
    return square
