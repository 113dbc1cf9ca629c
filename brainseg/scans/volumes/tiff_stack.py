"""Read a TIFF of several pages as a volume without a place in the patient."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from brainseg.errors import ScanError
from brainseg.scans.names import display_name
from brainseg.scans.structure import structure_fault, tiff_pages
from brainseg.scans.volumes.sequence import sequence_of
from brainseg.scans.volumes.volume import MAX_VOXELS, TOO_LARGE, Volume

_NOWHERE = "A TIFF does not say how it lies in the patient, so nothing can be measured in mm."


def tiff_volume(file: Path, most_bytes: int) -> Volume | None:
    """Read a TIFF of several pages; None if it has only one.

    The array's third index counts pages, the first one columns and the second one rows; nothing is turned, since a TIFF
    states no directions.

    Args:
        file: The file.
        most_bytes: Larger files are refused.

    Raises:
        ScanError: The file is damaged or too large, or its pages differ in size or are in colour. The message has no
            name in front.
    """
    if file.stat().st_size > most_bytes:
        raise ScanError(f"is larger than {most_bytes >> 20} MB: export it as NIfTI")
    data = file.read_bytes()
    try:
        if reason := structure_fault(data, "TIFF"):
            raise ScanError(f"{reason}: export it as NIfTI")
        if tiff_pages(data) < 2:
            return None
        pages = _pages(data)
    except ScanError:
        raise
    except Exception as error:  # the decoder raises many kinds on damaged data
        raise ScanError("is damaged or incomplete (TIFF): copy or export it again") from error
    values = np.dstack(pages).transpose(1, 0, 2)
    return Volume(
        array=np.ascontiguousarray(values),
        affine=None,
        name=display_name(file.name),
        source_format="TIFF",
        stored_shape=(values.shape[0], values.shape[1], values.shape[2]),
        sequence=sequence_of(file.stem),
        warnings=(_NOWHERE,),
    )


def _pages(data: bytes) -> list[np.ndarray]:
    pages: list[np.ndarray] = []
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
        for page in ImageSequence.Iterator(image):
            if pages and page.size[::-1] != pages[0].shape:
                raise ScanError("has pages of different sizes: export the volume alone")
            if page.width * page.height * (len(pages) + 1) > MAX_VOXELS:
                raise ScanError(TOO_LARGE)
            if page.mode not in ("L", "I", "F", "1") and not page.mode.startswith("I;16"):
                raise ScanError("has pages in colour: export the scan's own values")
            pages.append(np.asarray(page, np.float32))
    return pages
