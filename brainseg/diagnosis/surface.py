"""Surfaces of lesions and of the head in mm, for a view in three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from brainseg.scans.volumes.slices import volume_window
from brainseg.scans.volumes.volume import Volume

FINE, COARSE = 64, 56
"""Most voxels along an axis of a lesion's and of the head's grid; larger ones are averaged in blocks first."""
HEAD = 0.15
"""The head begins at this fraction of the way from the black to the white of the volume's window."""
_CORNERS = np.argwhere(np.ones((2, 2, 2)))
_EDGES = [
    (one, other) for one in range(8) for other in range(one) if np.abs(_CORNERS[one] - _CORNERS[other]).sum() == 1
]


@dataclass(frozen=True, eq=False)
class Surface:
    """A closed surface of triangles.

    Attributes:
        vertices: (N, 3) float32, (right, anterior, superior) in mm.
        triangles: (M, 3) int32, places of vertices; seen from outside, they run anticlockwise.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]


def lesion_surfaces(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> Iterator[Surface]:
    """Yield the surface of each lesion, in the order of `lesions.lesions`: largest first.

    Args:
        mask: (X, Y, Z) bool.
        affine: (4, 4), index -> mm.
    """
    numbers, count = scipy.ndimage.label(mask, structure=np.ones((3, 3, 3)))
    boxes, sizes = scipy.ndimage.find_objects(numbers), np.bincount(numbers.ravel(), minlength=count + 1)
    for number in sorted(range(1, count + 1), key=lambda each: -sizes[each]):
        box = boxes[number - 1]
        start = np.array([side.start for side in box], float)
        yield surface((numbers[box] == number).astype(np.float32), affine @ _shift(start), FINE)


def head_surface(volume: Volume) -> Surface | None:
    """Return the outer surface of the head; None if nothing stands out from the background or the place is unknown."""
    low, high = volume_window(volume)
    if volume.affine is None or high <= low:
        return None
    small, affine = _averaged(volume.array, volume.affine, COARSE)
    numbers, count = scipy.ndimage.label(small > low + HEAD * (high - low))
    if not count:
        return None
    largest = numbers == 1 + int(np.bincount(numbers.ravel())[1:].argmax())
    return surface(scipy.ndimage.binary_fill_holes(largest).astype(np.float32), affine, COARSE)


def surface(values: NDArray[np.float32], affine: NDArray[np.float64], most: int) -> Surface:
    """Return the surface on which values in 0..1 are 0.5, by naive surface nets (Gibson, 1998).

    Each cell of eight neighbouring voxel centres that the surface crosses has one vertex, in the middle of the points
    where it crosses the cell's edges; the four cells around each crossed edge form two triangles. Outside the array,
    values count as 0, so the surface is closed.

    Args:
        values: (X, Y, Z).
        affine: (4, 4), index -> mm.
        most: More voxels than this along an axis are averaged in blocks first.
    """
    small, place = _averaged(values, affine, most)
    field = np.pad(small, 1) - 0.5
    cells = np.stack([field[tuple(slice(c, c - 1 or None) for c in corner)] for corner in _CORNERS], axis=-1)
    inside = cells > 0
    crossed = inside.any(axis=-1) & ~inside.all(axis=-1)
    numbers = np.full(crossed.shape, -1, np.int32)
    numbers[crossed] = np.arange(crossed.sum())
    vertices = np.argwhere(crossed) + _middles(cells[crossed]) - 1.0
    placed = vertices @ place[:3, :3].T + place[:3, 3]
    triangles = np.concatenate([_triangles(field > 0, numbers, axis) for axis in range(3)])
    if np.linalg.det(place[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return Surface(placed.astype(np.float32), np.ascontiguousarray(triangles, np.int32))


def _middles(cells: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of the crossings of each cell's edges, (N, 3) in 0..1, for (N, 8) values at its corners."""
    total, count = np.zeros((len(cells), 3)), np.zeros((len(cells), 1))
    for one, other in _EDGES:
        first, second = cells[:, one], cells[:, other]
        crossing = (first > 0) != (second > 0)
        part = np.divide(first, first - second, out=np.zeros(len(cells)), where=crossing)[:, None]
        points = _CORNERS[one] + part * (_CORNERS[other] - _CORNERS[one])
        total += np.where(crossing[:, None], points, 0)
        count += crossing[:, None]
    middles: NDArray[np.float64] = total / np.maximum(count, 1)
    return middles


def _triangles(inside: NDArray[np.bool_], numbers: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
    """Return two triangles for each pair of neighbours along an axis of which one is inside."""
    near, far = (np.moveaxis(inside, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
    along, left, up = np.nonzero(near != far)
    around = np.moveaxis(numbers, axis, 0)
    # The axes that follow `axis` in a right-handed order run anticlockwise around it, seen from its end.
    corners = [around[along, left - a, up - b] for a, b in ((1, 1), (0, 1), (0, 0), (1, 0))]
    quads = np.stack(corners, axis=1)
    forwards = near[along, left, up] ^ (axis == 1)  # moving axis 1 to the front makes the order left-handed
    quads = np.where(forwards[:, None], quads, quads[:, ::-1])
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _averaged(
    values: NDArray[np.float32], affine: NDArray[np.float64], most: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Average blocks of voxels until no axis has more than `most`, and return the affine of the blocks, too."""
    factors = [-(-size // most) for size in values.shape]
    if factors == [1, 1, 1]:
        return values, affine
    sizes = [-(-size // factor) for size, factor in zip(values.shape, factors, strict=True)]
    padding = [(0, size * factor - have) for size, factor, have in zip(sizes, factors, values.shape, strict=True)]
    padded = np.pad(values, padding, mode="edge")
    shape = [part for size, factor in zip(sizes, factors, strict=True) for part in (size, factor)]
    small: NDArray[np.float32] = padded.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32)
    return small, affine @ _shift((np.array(factors) - 1) / 2) @ np.diag([*factors, 1.0])


def _shift(by: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, 3] = by
    return matrix
