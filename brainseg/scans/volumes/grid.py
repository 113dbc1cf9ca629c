"""Bring volumes of one study to one grid of voxels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from brainseg.errors import ScanError
from brainseg.scans.volumes.volume import Volume

_SAME = 1e-3
_LEAST_OVERLAP = 0.5


def on_grid(volume: Volume, reference: Volume) -> Volume:
    """Return a volume on the grid of another one.

    On the same grid it is returned as it is. Otherwise its values are interpolated linearly at the positions of the
    reference, with a warning; nothing is registered, so both must be of one position of the patient.

    Raises:
        ScanError: One of them does not say where it lies, or less than half of the reference is covered.
    """
    if volume.affine is None or reference.affine is None:
        if volume.array.shape == reference.array.shape:
            return volume
        raise ScanError(
            f"{volume.name} and {reference.name} differ in size and do not say where they lie, so they cannot be "
            "combined: use files with positions."
        )
    if volume.array.shape == reference.array.shape and np.allclose(volume.affine, reference.affine, atol=_SAME):
        return volume
    moved, covered = _resampled(volume, reference)
    if covered < _LEAST_OVERLAP:
        raise ScanError(
            f"{volume.name} covers only {100 * covered:.0f} % of {reference.name}, so they cannot be combined: choose "
            "series of the same part of the head."
        )
    # Warnings go into files that are passed on, and the name of a file may be that of a patient.
    moved_words = f"The {volume.sequence}" if volume.sequence else "A"
    other_words = f"the {reference.sequence}" if reference.sequence else "another"
    note = f"{moved_words} volume was resampled to the grid of {other_words} volume."
    windows = tuple(window for window in volume.windows if window.common)  # the others are of its own slices
    warnings = (*volume.warnings, note)
    return replace(volume, array=moved, affine=reference.affine, warnings=warnings, windows=windows, source=None)


def _resampled(volume: Volume, reference: Volume) -> tuple[NDArray[np.float32], float]:
    """Return the values at the reference's voxels, and the fraction of them that the volume covers."""
    target = _image(np.zeros(reference.array.shape, np.float32), reference.affine)
    values = sitk.Resample(
        _image(volume.array, volume.affine), target, sitk.Transform(), sitk.sitkLinear, float(volume.array.min())
    )
    inside = sitk.Resample(
        _image(np.ones(volume.array.shape, np.float32), volume.affine), target, sitk.Transform(),
        sitk.sitkNearestNeighbor, 0.0,
    )  # fmt: skip
    return np.ascontiguousarray(sitk.GetArrayFromImage(values).T), float(sitk.GetArrayViewFromImage(inside).mean())


def _image(array: NDArray[np.float32], affine: NDArray[np.float64] | None) -> sitk.Image:
    """Return an array of `Volume`'s orientation as an image of ITK, which counts in LPS."""
    if affine is None:
        raise ValueError("A volume without an affine is no image in space.")
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image
