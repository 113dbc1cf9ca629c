"""Measures of a mask: its separate regions, their areas and their largest diameters."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

Spacing = tuple[float, float]
"""(row, column) distance of pixel centres in mm."""


@dataclass(frozen=True)
class Region:
    """One connected part of a mask.

    Attributes:
        pixels: Number of pixels.
        area: In mm2 if the spacing is known, else in pixels.
        diameter: Largest distance between two points of the outline (Feret), in mm if the spacing is known, else in
            pixels. Outlines run along the edges of pixels, so the diameter of one pixel is its diagonal.
        centre: (row, column) of the centre of mass, in pixels from the top left.
    """

    pixels: int
    area: float
    diameter: float
    centre: tuple[float, float]


def regions(mask: np.ndarray, spacing: Spacing | None = None) -> tuple[Region, ...]:
    """Find the separate regions of a mask; pixels that touch at a corner belong to the same region.

    Args:
        mask: (H, W) bool.
        spacing: (row, column) in mm, or None to measure in pixels.

    Returns:
        The regions, largest first.
    """
    row, column = spacing or (1.0, 1.0)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for number in range(1, count):
        left, top, width, height, pixels = (int(value) for value in stats[number])
        part = labels[top : top + height, left : left + width] == number
        centre = (float(centres[number][1]), float(centres[number][0]))
        found.append(Region(pixels, pixels * row * column, feret_diameter(part, (row, column)), centre))
    return tuple(sorted(found, key=lambda region: -region.pixels))


def feret_diameter(mask: np.ndarray, spacing: Spacing = (1.0, 1.0)) -> float:
    """Return the largest distance between two corners of a mask's pixels; 0 for an empty mask.

    Args:
        mask: (H, W) bool.
        spacing: (row, column) size of a pixel; the result has the same unit.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 0.0
    corners = np.concatenate([np.stack([rows + i, columns + j], axis=1) for i in (0, 1) for j in (0, 1)])
    # The hull of whole-number corners is exact, so the spacing is applied afterwards.
    hull = cv2.convexHull(corners.astype(np.int32))[:, 0] * np.array(spacing)
    return float(np.sqrt(((hull[:, None] - hull[None]) ** 2).sum(axis=2)).max())
