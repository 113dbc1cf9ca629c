"""Find the slices that Siemens scanners store side by side in one image, a mosaic."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
from pydicom.dataset import Dataset

from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_frame import Frame
from brainseg.scans.volumes.geometry import Plane

with warnings.catch_warnings():  # nibabel warns at import that its readers of whole files are experimental
    warnings.simplefilter("ignore")
    from nibabel.nicom import csareader

_REFUSED = "is a mosaic of slices without Siemens's own header (CSA): convert it to NIfTI with dcm2niix"


def mosaic_frames(data: Dataset, whole: Frame) -> tuple[Frame, ...]:
    """Return the slices of a mosaic in the order of acquisition.

    The slices fill a square of n x n tiles, row by row. The position in the header is that of the corner that a single
    image of the mosaic's size would have around the first slice.

    Args:
        data: The header.
        whole: The mosaic as if it were one slice.

    Raises:
        ScanError: The header does not say how many slices there are and where. The message has no file name in front.
    """
    try:
        header = csareader.get_csa_header(data, "image")
        count, across = csareader.get_n_mosaic(header), csareader.get_slice_normal(header)
    except Exception as error:  # a private header may be anything
        raise ScanError(_REFUSED) from error
    if not count or across is None or whole.plane is None or not whole.thickness:
        raise ScanError(_REFUSED)
    tiles = math.ceil(math.sqrt(count))
    height, width = whole.shape[0] // tiles, whole.shape[1] // tiles
    if (height * tiles, width * tiles) != whole.shape or not 0.99 < np.linalg.norm(across) < 1.01:
        raise ScanError(_REFUSED)
    base = whole.plane
    down = base.columns * base.spacing[0] * (whole.shape[0] - height) / 2
    right = base.rows * base.spacing[1] * (whole.shape[1] - width) / 2
    first = base.position + down + right
    return tuple(
        replace(
            whole,
            shape=(height, width),
            corner=(place // tiles * height, place % tiles * width),
            plane=Plane(first + place * whole.thickness * np.asarray(across), base.rows, base.columns, base.spacing),
            number=(whole.number[0], place),
        )
        for place in range(count)
    )
