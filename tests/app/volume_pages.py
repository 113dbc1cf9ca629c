"""Volumes for tests of the page: a head whose bright ball the tests' U-Net marks."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from brainseg.scans.volumes.volume import Volume
from tests.scans.volumes.dicom_maker import write_series

SHAPE, SPACING = (64, 56, 24), (1.0, 1.0, 2.0)
BALL, RADIUS = (42, 36, 15), 8.0
"""Centre of the bright ball in voxels, off the middle along each axis, and its radius in mm."""
AFFINE = np.diag([*SPACING, 1.0])


def ball_mask(centre: tuple[int, int, int] = BALL, radius: float = RADIUS) -> np.ndarray:
    """Return where the ball is, (X, Y, Z) bool."""
    steps = (np.indices(SHAPE) - np.reshape(centre, (3, 1, 1, 1))) * np.reshape(SPACING, (3, 1, 1, 1))
    return np.sqrt((steps**2).sum(axis=0)) < radius


def head_values(seed: int = 0) -> np.ndarray:
    """Return a grey head on black with the ball in it, int16, as `tests.conftest.draw_slice` draws slices."""
    random = np.random.default_rng(seed)
    from_middle = (np.indices(SHAPE) - (np.reshape(SHAPE, (3, 1, 1, 1)) - 1) / 2) / np.reshape(SHAPE, (3, 1, 1, 1))
    head = np.sqrt((from_middle**2).sum(axis=0)) < 0.45
    values = np.where(head, 90 + random.normal(0, 8, SHAPE), random.normal(3, 2, SHAPE))
    values[ball_mask()] = 235
    return np.rint(values.clip(0, 255)).astype(np.int16)


def head_volume(**more: object) -> Volume:
    """Return the head as a volume."""
    values = head_values().astype(np.float32)
    return replace(Volume(values, AFFINE, "head.nii.gz", "NIfTI", values.shape, "RAS"), **more)


def nifti(file: Path, values: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Path:
    """Write a volume as NIfTI."""
    import nibabel as nib

    nib.save(nib.Nifti1Image(head_values() if values is None else values, affine), file)
    return file


def dicom_zip(folder: Path) -> Path:
    """Write the head as an axial DICOM series, packed as a zip file; its header names a patient."""
    # DICOM's rows run to the patient's back and its columns to the left, so both are reversed.
    series = np.ascontiguousarray(head_values()[::-1, ::-1, :].T)
    files = write_series(folder / "t1", series, spacing=(1.0, 1.0), gap=2.0, WindowCenter=120, WindowWidth=240)
    packed = folder / "study.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, f"t1/{file.name}")
    return packed
