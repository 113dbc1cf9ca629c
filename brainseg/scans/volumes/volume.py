"""The `Volume` object: values on a grid of voxels, and where that grid lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from brainseg.errors import ScanError
from brainseg.scans.volumes.file_window import FileWindow
from brainseg.scans.volumes.source import Source

MAX_VOXELS = 2**28
"""Most voxels of a volume: 1 GiB as float32."""
TOO_LARGE = f"is too large: brainseg reads at most {MAX_VOXELS // 10**6} million voxels"
_Kind = TypeVar("_Kind", bound=np.generic)
_SMALLEST = 1e-9
"""Smallest volume of a voxel in mm3; anything below is no grid."""


@dataclass(frozen=True, eq=False)
class Keys:
    """Hashed identifiers, 16 hexadecimal digits each; "" where the file has none.

    Attributes:
        patient: The same for all files of a patient that this home folder has read.
        study: The same for all files of a study.
        series: The same for all files of a series.
    """

    patient: str = ""
    study: str = ""
    series: str = ""


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan in three dimensions.

    The array is always oriented as closely as possible to RAS: its first index grows towards the patient's right, the
    second towards the front (anterior), the third towards the head (superior). Only axes are swapped and reversed, so
    values are never interpolated, and an oblique volume stays oblique; `affine` is exact in each case. Files in DICOM's
    and ITK's convention (LPS) are converted.

    Attributes:
        array: (X, Y, Z) float32, the values that the file means: rescaled, inverted if they are stored inverted, and
            without unused bits.
        affine: (4, 4) float64, index (i, j, k, 1) -> (x, y, z, 1) in mm, RAS+ as in NIfTI; None if the file does not
            say where its voxels are.
        name: What the volume is called in messages: the name of its file or folder, never a text of its header.
        source_format: "DICOM", "NIfTI", "NRRD", "MetaImage", "TIFF", "MATLAB" or "phantom".
        stored_shape: Sizes along the axes as stored.
        stored_orientation: Directions of the axes as stored, such as "LPS"; "" if unknown.
        modality: DICOM's modality, such as "MR"; None if the file does not say.
        sequence: "T1", "T1ce", "T2" or "FLAIR"; None if neither header nor name says.
        keys: Hashed identifiers.
        warnings: Sentences about what was assumed or is unusual.
        source: The DICOM files of its slices; None for other formats, for files without UIDs, and for a volume on the
            grid of another one.
        windows: The windows that the file asks for, its first choice first; empty if it asks for none.
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64] | None
    name: str
    source_format: str
    stored_shape: tuple[int, int, int]
    stored_orientation: str = ""
    modality: str | None = None
    sequence: str | None = None
    keys: Keys = Keys()
    warnings: tuple[str, ...] = ()
    source: Source | None = field(default=None, repr=False)  # UIDs belong into no log
    windows: tuple[FileWindow, ...] = ()

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Distance of voxel centres along each axis of `array`, in mm; None if it is unknown."""
        return None if self.affine is None else spacing_of(self.affine)

    @property
    def orientation(self) -> str:
        """Directions in which the indices of `array` grow, by their largest part: "RAS", or "" if unknown."""
        return "" if self.affine is None else axes_of(self.affine)


def spacing_of(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the distance of voxel centres along each axis, in the unit of the affine.

    >>> spacing_of(np.diag([-2.0, 1.5, 3.0, 1.0]))
    (2.0, 1.5, 3.0)
    """
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return float(lengths[0]), float(lengths[1]), float(lengths[2])


def axes_of(affine: NDArray[np.float64]) -> str:
    """Return the directions in which indices grow, by their largest part, such as "LPS"."""
    import nibabel as nib  # imported here, since an installation without scans leaves it out

    return "".join(nib.aff2axcodes(affine))


def check_grid(affine: NDArray[np.float64]) -> None:
    """Refuse an affine that is none of a grid in space.

    Raises:
        ScanError: The message has no file name in front.
    """
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < _SMALLEST:
        raise ScanError("states a geometry that is no grid in space: export it again")


def finite(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return values with 0 for those that are infinite or not numbers, and a warning if there are any."""
    if (wrong := int((~np.isfinite(values)).sum())) == 0:
        return values, ()
    cleaned = np.nan_to_num(values, copy=True, nan=0.0, posinf=0.0, neginf=0.0)
    return cleaned, (f"{wrong:,} of its values are infinite or not numbers; they count as 0.",)


def towards_ras(
    array: NDArray[np.float32], affine: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Swap and reverse axes so that they are as close to right, anterior and superior as they can be.

    Args:
        array: (X, Y, Z).
        affine: (4, 4), index -> mm, RAS+.

    Returns:
        The array as a view, and its affine.
    """
    import nibabel as nib

    turn = nib.io_orientation(affine)
    turned: NDArray[np.float32] = nib.apply_orientation(array, turn)
    return turned, affine @ nib.orientations.inv_ornt_aff(turn, array.shape)


def as_stored(array: NDArray[_Kind], volume: Volume) -> tuple[NDArray[_Kind], NDArray[np.float64]]:
    """Turn an array back onto the axes of the volume's own file: the reverse of `towards_ras`.

    Args:
        array: (X, Y, Z), oriented as `volume.array`.
        volume: It says where it lies.

    Returns:
        The array as a view, and its affine: index -> mm, RAS+.

    Raises:
        ScanError: The volume does not say where it lies.
    """
    import nibabel as nib

    if volume.affine is None:
        raise ScanError(f"{volume.name} does not say where it lies, so no mask of it can be written.")
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(volume.stored_orientation)
    )
    turned: NDArray[_Kind] = nib.apply_orientation(array, turn)
    return turned, volume.affine @ nib.orientations.inv_ornt_aff(turn, array.shape)


def turned_axis(affine: NDArray[np.float64], axis: int) -> tuple[int, bool]:
    """Return where `towards_ras` puts an axis, and whether it reverses it.

    >>> turned_axis(np.diag([-1.0, 1.0, 2.0, 1.0]), 0)
    (0, True)
    """
    import nibabel as nib

    place, sign = nib.io_orientation(affine)[axis]
    return int(place), bool(sign < 0)
