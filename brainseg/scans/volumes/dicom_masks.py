"""Read DICOM segmentation objects (SEG): the mask of a study, with the names of its classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainseg.errors import ScanError
from brainseg.extras import require
from brainseg.scans.names import display_name
from brainseg.scans.volumes.dicom_header import dataset, keys_of
from brainseg.scans.volumes.volume import MAX_VOXELS, TOO_LARGE, Keys, Volume, axes_of, check_grid, towards_ras

_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class MaskHeader:
    """What a segmentation object is of.

    Attributes:
        keys: Hashed identifiers; the study's is that of its images.
        names: Number of each segment -> its label.
    """

    keys: Keys
    names: dict[int, str]


def mask_header(file: Path, secret: bytes) -> MaskHeader | None:
    """Return the header of a segmentation object; None for any other DICOM file.

    Args:
        file: A DICOM file.
        secret: Key of the hashes.

    Raises:
        ScanError: The file is damaged. The message has no file name in front.
    """
    data = dataset(file, pixels=False)
    if data.get("Modality") != "SEG":
        return None
    try:
        names = {int(each.SegmentNumber): str(each.SegmentLabel).strip() for each in data.SegmentSequence}
    except (AttributeError, TypeError, ValueError) as error:
        raise ScanError("has a damaged list of segments: export it again") from error
    return MaskHeader(keys_of(data, secret), names)


def mask_volume(file: Path) -> Volume:
    """Return the mask of a segmentation object, with the numbers of segments as values.

    Slices without a frame are empty.

    Raises:
        ScanError: It is damaged or too large, holds fractions, its segments overlap, or its frames are no regular grid.
            The message has no file name in front.
        MissingLibraryError: highdicom is not installed.
    """
    require("highdicom", "Reading a mask in DICOM")
    import highdicom as hd

    try:
        opened = hd.seg.segread(file)
        if opened.segmentation_type.value == "FRACTIONAL":
            raise ScanError("holds probabilities and no mask: export it as a binary segmentation")
        size = opened.get_volume_geometry()
        if size is None or int(np.prod(size.spatial_shape)) > MAX_VOXELS:
            raise ScanError("has frames that are no regular grid: export it again" if size is None else TOO_LARGE)
        read = opened.get_volume(combine_segments=True, dtype=np.uint16)
    except ScanError:
        raise
    except RuntimeError as error:  # what highdicom raises for segments that overlap
        raise ScanError("has segments that overlap, so a voxel would be of two classes: export them apart") from error
    except Exception as error:  # highdicom raises many kinds on damaged files
        raise ScanError("is damaged or incomplete (DICOM segmentation): export it again") from error
    values = np.ascontiguousarray(read.array.transpose(2, 1, 0), np.float32)  # column, row, slice
    affine = _TO_RAS @ np.asarray(read.affine, np.float64)[:, [2, 1, 0, 3]]
    check_grid(affine)
    array, turned = towards_ras(values, affine)
    return Volume(
        array, turned, display_name(file.name), "DICOM", (values.shape[0], values.shape[1], values.shape[2]),
        axes_of(affine), "SEG",
    )  # fmt: skip
