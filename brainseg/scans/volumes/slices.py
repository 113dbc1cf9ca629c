"""Cut slices out of volumes as people look at them, and put masks of slices back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from brainseg.files import sha256_bytes
from brainseg.scans.pixels import find_window, stretch, window_sentence
from brainseg.scans.scan import Scan
from brainseg.scans.volumes.volume import Volume

PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}
"""Plane -> the axis of a volume's array that its slices lie across."""
WINDOW_VERSION = 1
"""Increased when `volume_window` gives other values: slices that were cut earlier then differ from a diagnosis."""
_SAMPLE = 2**22


def cut(array: NDArray[np.generic], plane: str, index: int) -> NDArray[np.generic]:
    """Return a slice as radiologists look at it, (H, W), as a view.

    Axial: the patient's front is at the top and the right side at the left. Coronal: the head is at the top and the
    right side at the left. Sagittal: the head is at the top and the front at the left.

    Args:
        array: (X, Y, Z), oriented as in `Volume`.
        plane: A key of `PLANES`.
        index: Place along the plane's axis.
    """
    return np.moveaxis(array, PLANES[plane], 0)[index, ::-1, ::-1].T


def put(array: NDArray[np.generic], plane: str, index: int, values: NDArray[np.generic]) -> None:
    """Write a slice, as `cut` returns it, into a volume's array, in place."""
    place: list[int | slice] = [slice(None)] * 3
    place[PLANES[plane]] = index
    array[tuple(place)] = values.T[::-1, ::-1]


def pixel_spacing(volume: Volume, plane: str) -> tuple[float, float] | None:
    """Return the (row, column) distance of pixel centres of a slice in mm; None if it is unknown."""
    if volume.spacing is None:
        return None
    columns, rows = (size for axis, size in enumerate(volume.spacing) if axis != PLANES[plane])
    return rows, columns


def volume_window(volume: Volume) -> tuple[float, float]:
    """Return the values of a volume to show as black and as white, by the rule of `pixels.find_window`.

    One window for all slices: with a window each, the same tissue would look different from slice to slice.
    """
    values = volume.array.ravel()
    return find_window(values[:: max(1, len(values) // _SAMPLE)])


def slice_scans(volume: Volume, plane: str, window: tuple[float, float] | None = None) -> Iterator[Scan]:
    """Yield the slices of a volume along a plane's axis, in the order of `Volume.array`.

    Args:
        volume: The volume.
        plane: A key of `PLANES`.
        window: Values shown as black and as white; `volume_window` by default.
    """
    low, high = window or volume_window(volume)
    spacing = pixel_spacing(volume, plane)
    for index in range(volume.array.shape[PLANES[plane]]):
        values = cut(volume.array, plane, index)
        grey = stretch(values, low, high)
        pixels = np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
        pixels.flags.writeable = False
        yield Scan(
            pixels=pixels,
            name=f"{volume.name}, {plane} slice {index + 1}",
            source_format=volume.source_format,
            mode="F",
            size=(pixels.shape[1], pixels.shape[0]),
            sha256=sha256_bytes(np.ascontiguousarray(values).tobytes()),
            spacing=spacing,
            modality=volume.modality,
            warnings=(window_sentence((low, high)),),
            window=(low, high),
        )
