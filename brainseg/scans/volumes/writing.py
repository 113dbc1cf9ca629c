"""Write masks as NIfTI files that every program reads alike."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from brainseg import DISCLAIMER
from brainseg.errors import ScanError
from brainseg.files import write_atomically
from brainseg.scans.volumes.volume import Volume, as_stored


def save_mask(mask: NDArray[np.uint8], volume: Volume, file: Path) -> None:
    """Write a mask on the grid of a volume's own file, as `mask_bytes` returns it.

    Args:
        mask: (X, Y, Z) uint8, oriented as `volume.array`.
        volume: The volume that the mask is of.
        file: Ends in `.nii.gz`.

    Raises:
        ScanError: The volume does not say where it lies, or what was written reads back differently.
    """
    content = mask_bytes(mask, volume)
    write_atomically(file, lambda temporary: temporary.write_bytes(content))
    written = nib.Nifti1Image.from_filename(file)
    if not np.array_equal(np.asanyarray(written.dataobj), as_stored(mask, volume)[0]):
        raise ScanError(f"{file.name} reads back differently from what was written: check the disk.")


def mask_bytes(mask: NDArray[np.uint8], volume: Volume) -> bytes:
    """Return a mask on the grid of a volume's own file, as the content of a `.nii.gz` file.

    The values are stored as they are: unsigned bytes without scaling. Both forms of the geometry (sform and qform) are
    the same, in mm. The axes run as in the volume's file, so the mask fits it voxel by voxel also for programs that
    ignore the geometry.

    Args:
        mask: (X, Y, Z) uint8, oriented as `volume.array`.
        volume: The volume that the mask is of.

    Raises:
        ScanError: The volume does not say where it lies.
    """
    turned, affine = as_stored(mask, volume)
    stored = np.ascontiguousarray(turned)
    image = nib.Nifti1Image(stored, affine)
    image.header.set_data_dtype(np.uint8)
    image.header.set_slope_inter(1, 0)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = DISCLAIMER.encode()
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    return _packed(image)


def _packed(image: nib.Nifti1Image) -> bytes:
    """Return the file compressed; without a time in it, so the same mask gives the same bytes."""
    return gzip.compress(image.to_bytes(), mtime=0)
