"""A volume's answer slice by slice, and which slices to look at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brainseg.scans.volumes.slices import PLANES
from brainseg.scans.volumes.volume import Volume

if TYPE_CHECKING:
    from brainseg.diagnosis.lesions import Lesion
    from brainseg.diagnosis.volume_classes import VolumeClasses
    from brainseg.diagnosis.volume_mask import VolumeMask

FIRST = 6
"""Most slices that are offered to be looked at first."""
_APART = 16
"""Two of them are at least one of this many parts of the volume apart, unless each is the largest of a lesion."""


def area_table(answer: VolumeMask) -> pd.DataFrame:
    """Return the marked area along a volume: a row per slice of `answer.plane`.

    Columns: `slice` from 1; `position_mm`, where its centre lies along the plane's axis (RAS+); `area_mm2`, the marked
    area of all classes; `unlike`, whether the slice is unlike the model's training images.
    """
    counts = np.moveaxis(answer.mask > 0, PLANES[answer.plane], 0).sum(axis=(1, 2))
    return pd.DataFrame(
        {
            "slice": np.arange(1, len(counts) + 1),
            "position_mm": slice_positions(answer.volume, answer.plane),
            "area_mm2": counts * _pixel_area(answer.volume, answer.plane),
            "unlike": np.isin(np.arange(len(counts)), answer.unlike),
        }
    )


def class_table(answer: VolumeClasses) -> pd.DataFrame:
    """Return the prediction along a volume: a row per slice of `answer.plane`.

    Columns: `slice` from 1; `position_mm` as in `area_table`; `p_<class>`, NaN for empty slices; `label`, "" for empty
    slices; `unlike`.
    """
    probabilities = {f"p_{name}": answer.probabilities[:, number] for number, name in enumerate(answer.classes)}
    return pd.DataFrame(
        {
            "slice": np.arange(1, len(answer.probabilities) + 1),
            "position_mm": slice_positions(answer.volume, answer.plane),
            **probabilities,
            "label": answer.labels,
            "unlike": np.isin(np.arange(len(answer.labels)), answer.unlike),
        }
    )


def slice_positions(volume: Volume, plane: str) -> NDArray[np.float64]:
    """Return where the centre of each slice lies along the plane's axis, in mm; counted from 0 without a place."""
    axis = PLANES[plane]
    places = np.arange(volume.array.shape[axis], dtype=np.float64)
    if volume.affine is None:
        return places
    centre = (np.array(volume.array.shape) - 1) / 2
    points = np.tile(centre, (len(places), 1))
    points[:, axis] = places
    positions: NDArray[np.float64] = points @ volume.affine[axis, :3] + volume.affine[axis, 3]
    return positions


def first_slices(answer: VolumeMask, most: int = FIRST) -> tuple[int, ...]:
    """Return the places of the marked slices to look at first: the largest of each of the largest lesions, then others.

    Lesions take half of the places. Others come by the marked area, at some distance from those already taken, since
    neighbours show much the same.
    """
    counts = np.moveaxis(answer.mask > 0, PLANES[answer.plane], 0).sum(axis=(1, 2))
    largest = [largest_slice(answer.mask, lesion, answer.plane) for lesion in answer.lesions[: max(1, most // 2)]]
    return _with_others(list(dict.fromkeys(largest)), counts, most)


def largest_slice(mask: NDArray[np.uint8], lesion: Lesion, plane: str) -> int:
    """Return the place of the slice on which most is marked within the box of a lesion."""
    own = np.moveaxis(mask[_box(lesion)] > 0, PLANES[plane], 0).sum(axis=(1, 2))
    return lesion.first[PLANES[plane]] + int(own.argmax())


def middle_voxel(
    mask: NDArray[np.uint8], plane: str, place: int, lesion: Lesion | None = None
) -> tuple[int, int, int] | None:
    """Return the marked voxel of a slice that is nearest to the centre of all of them; None if nothing is marked.

    Args:
        mask: (X, Y, Z) uint8.
        plane: The plane of the slice.
        place: Its place along the plane's axis.
        lesion: Only voxels in the box of this lesion count.
    """
    axis = PLANES[plane]
    start = lesion.first if lesion else (0, 0, 0)
    inside = mask[_box(lesion)] if lesion else mask
    marked = np.argwhere(np.moveaxis(inside, axis, 0)[place - start[axis]])
    if not len(marked):
        return None
    nearest = marked[((marked - marked.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    found = np.insert(nearest, axis, place - start[axis]) + start
    return int(found[0]), int(found[1]), int(found[2])


def _box(lesion: Lesion) -> tuple[slice, slice, slice]:
    one, two, three = (slice(low, high + 1) for low, high in zip(lesion.first, lesion.last, strict=True))
    return one, two, three


def likely_slices(answer: VolumeClasses, most: int = FIRST) -> tuple[int, ...]:
    """Return the places of the slices with the highest probability of a tumour, at some distance from each other.

    Without a class that stands for a tumour, none. Slices unlike the training images are left out.
    """
    if answer.positive is None:
        return ()
    values = np.nan_to_num(answer.probabilities[:, answer.classes.index(answer.positive)])
    values[list(answer.unlike)] = 0
    values[[label != answer.positive for label in answer.labels]] = 0
    return _with_others([], values, most)


def _with_others(chosen: Sequence[int], values: NDArray[np.number], most: int) -> tuple[int, ...]:
    """Add the places of the highest values, none of them close to another."""
    found, apart = list(chosen)[:most], max(1, len(values) // _APART)
    for place in np.argsort(-values, kind="stable"):
        if len(found) >= most or values[place] <= 0:
            break
        if all(abs(int(place) - other) >= apart for other in found):
            found.append(int(place))
    return tuple(found)


def _pixel_area(volume: Volume, plane: str) -> float:
    """Return the area of a pixel of a slice in mm2; a sheared grid counts, too."""
    if volume.affine is None:
        return 1.0
    one, other = (volume.affine[:3, axis] for axis in range(3) if axis != PLANES[plane])
    return float(np.linalg.norm(np.cross(one, other)))
