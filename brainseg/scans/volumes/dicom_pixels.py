"""Decode the pixels of DICOM frames to the values that the file means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_frame import Frame
from brainseg.scans.volumes.dicom_header import dataset
from brainseg.scans.volumes.volume import MAX_VOXELS

MAX_SIDE = 20_000


def stacked(frames: Sequence[Frame], shown: str) -> NDArray[np.float32]:
    """Return frames as one array, (columns, rows, frames) float32, in their order.

    Bits above those that the header calls used are ignored, values stored inverted (MONOCHROME1) are inverted, once,
    and each frame is scaled by its own slope and intercept.

    Args:
        frames: Frames of equal shape.
        shown: Name for messages.

    Raises:
        ScanError: A file is damaged, too large, or compressed in a way that no installed decoder reads.
    """
    rows, columns = frames[0].shape
    if max(rows, columns) > MAX_SIDE or rows * columns * len(frames) > MAX_VOXELS:
        raise ScanError(f"{shown} is too large: brainseg reads at most {MAX_VOXELS // 10**6} million voxels.")
    result = np.empty((columns, rows, len(frames)), np.float32)
    places: dict[Path, list[int]] = {}
    for place, frame in enumerate(frames):
        places.setdefault(frame.file, []).append(place)
    for file, wanted in places.items():
        stored = _stored(file, shown)
        for place in wanted:
            frame = frames[place]
            top, left = frame.corner
            tile = stored[frame.index, top : top + rows, left : left + columns]
            if tile.shape != (rows, columns):
                raise ScanError(f"{shown} is damaged or incomplete (DICOM): copy or export it again.")
            result[:, :, place] = tile.T * frame.slope + frame.intercept
    return result


def _stored(file: Path, shown: str) -> NDArray[np.integer]:
    """Return the stored values of all frames of a file, (frames, rows, columns), upright in value."""
    data = dataset(file, pixels=True)
    _check_size(data, shown)
    try:
        values = data.pixel_array
    except (NotImplementedError, RuntimeError) as error:
        kind = UID(str(data.file_meta.get("TransferSyntaxUID", ""))).name
        raise ScanError(
            f"{shown} is compressed as {kind}, which brainseg's decoders do not read: decompress it first, for example "
            "with dcmdjpeg or gdcmconv."
        ) from error
    except Exception as error:  # decoders raise many kinds on damaged data
        raise ScanError(f"{shown} is damaged or incomplete (DICOM): copy or export it again.") from error
    values = values.astype(np.int32 if values.dtype.itemsize < 4 else np.int64, copy=False)
    if str(data.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        values = _inverted(values, data)
    return values.reshape((-1, *values.shape[-2:]))


def _inverted(values: NDArray[np.integer], data: Dataset) -> NDArray[np.integer]:
    """Map the largest value that the bits can hold to the smallest, and the reverse."""
    top = -1 if int(data.get("PixelRepresentation", 0)) else 2 ** int(data.BitsStored) - 1
    return top - values


def _check_size(data: Dataset, shown: str) -> None:
    amount = int(data.Rows) * int(data.Columns) * int(data.get("NumberOfFrames") or 1)
    if amount > MAX_VOXELS:
        raise ScanError(f"{shown} is too large: brainseg reads at most {MAX_VOXELS // 10**6} million voxels.")
