"""Measures of a mask in three dimensions: its separate lesions, their volumes and their largest diameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

CONNECTIVITY = 26
"""Neighbours of a voxel: voxels that touch at a corner belong to the same lesion, as pixels of a slice do."""


@dataclass(frozen=True)
class Lesion:
    """One connected part of a mask.

    Attributes:
        voxels: Number of voxels.
        ml: Its volume.
        diameter: Largest distance between two corners of its voxels, in mm.
        centre: Centre of mass, (right, anterior, superior) in mm.
        first: Index of its first voxel along each axis.
        last: Index of its last voxel along each axis.
    """

    voxels: int
    ml: float
    diameter: float
    centre: tuple[float, float, float]
    first: tuple[int, int, int]
    last: tuple[int, int, int]


def voxel_ml(affine: NDArray[np.float64]) -> float:
    """Return the volume of a voxel in ml; a sheared grid counts, too.

    >>> round(voxel_ml(np.diag([2.0, 1.0, 5.0, 1.0])), 6)
    0.01
    """
    return float(abs(np.linalg.det(affine[:3, :3])) / 1000)


def lesions(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> tuple[Lesion, ...]:
    """Find the separate lesions of a mask, largest first.

    Args:
        mask: (X, Y, Z) bool.
        affine: (4, 4), index -> mm.
    """
    numbers, _ = scipy.ndimage.label(mask, structure=np.ones((3, 3, 3)))
    found = []
    for number, box in enumerate(scipy.ndimage.find_objects(numbers), start=1):
        part = numbers[box] == number
        start = np.array([side.start for side in box])
        voxels = int(part.sum())
        middle = affine @ [*(start + scipy.ndimage.center_of_mass(part)), 1.0]
        found.append(
            Lesion(
                voxels=voxels,
                ml=voxels * voxel_ml(affine),
                diameter=_diameter(part, affine),
                centre=(float(middle[0]), float(middle[1]), float(middle[2])),
                first=(int(box[0].start), int(box[1].start), int(box[2].start)),
                last=(int(box[0].stop) - 1, int(box[1].stop) - 1, int(box[2].stop) - 1),
            )
        )
    return tuple(sorted(found, key=lambda lesion: -lesion.voxels))


def _diameter(part: NDArray[np.bool_], affine: NDArray[np.float64]) -> float:
    """Return the largest distance between two corners of the voxels of a lesion, in mm."""
    surface = part & ~scipy.ndimage.binary_erosion(part)
    centres = np.argwhere(surface)
    shifts = np.argwhere(np.ones((2, 2, 2))) - 0.5
    corners = np.unique((centres[:, None] + shifts[None]).reshape(-1, 3), axis=0)
    hull = (
        corners[scipy.spatial.ConvexHull(corners).vertices] @ affine[:3, :3].T
    )  # an affine map keeps the hull's corners
    return float(scipy.spatial.distance.pdist(hull).max())
