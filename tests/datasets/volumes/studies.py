"""Small volumes with a lesion at a known place, written as files of studies."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

SHAPE = (20, 24, 8)
AFFINE = np.diag([1.5, 1.25, 4.0, 1.0])
LESION = np.s_[4:9, 12:18, 3:5]
"""Right of the centre is a larger first index; the lesion is left, in front, on slices 3 and 4."""


def head(seed: int = 0) -> NDArray[np.int16]:
    """A head in RAS, brighter in the lesion, with an empty slice at either end."""
    values = np.random.default_rng(seed).integers(200, 400, SHAPE).astype(np.int16)
    values[:2] = values[-2:] = 0
    values[..., [0, -1]] = 0
    values[LESION] += 600
    return values


def lesion(value: int = 1) -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    mask[LESION] = value
    return mask


def save(file: Path, values: NDArray[np.generic], orientation: str = "RAS", affine=AFFINE) -> Path:
    """Write a volume given in RAS with its axes stored in another orientation."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(orientation)
    )
    nib.save(image.as_reoriented(turn), file)
    return file


def brats(root: Path, name: str, endings=("t1", "t1ce", "t2", "flair"), value: int = 4, seg: str = "_seg") -> Path:
    """A study as BraTS names it."""
    sign = seg[0]
    for number, ending in enumerate(endings):
        save(root / name / f"{name}{sign}{ending}.nii.gz", head(number))
    save(root / name / f"{name}{seg}.nii.gz", lesion(value))
    return root / name
