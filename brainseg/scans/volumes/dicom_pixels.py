"""Decode the pixels of DICOM frames to the values that the file means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_frame import Frame
from brainseg.scans.volumes.dicom_header import dataset
from brainseg.scans.volumes.volume import MAX_VOXELS, TOO_LARGE

MAX_SIDE = 20_000

sitk.ProcessObject.SetGlobalWarningDisplay(False)  # it would write to standard error


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
        raise ScanError(f"{shown} {TOO_LARGE}.")
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


def _stored(file: Path, shown: str) -> NDArray[np.number]:
    """Return the stored values of all frames of a file, (frames, rows, columns), upright in value."""
    data = dataset(file, pixels=True)
    _check_size(data, shown)
    try:
        values = data.pixel_array
    except (NotImplementedError, RuntimeError):  # pydicom has no decoder of its own for lossless JPEG and JPEG-LS
        values = _decoded_by_itk(file, data, shown)
    except Exception as error:  # decoders raise many kinds on damaged data
        raise ScanError(f"{shown} is damaged or incomplete (DICOM): copy or export it again.") from error
    if values.dtype.kind in "iu":  # a signed type of enough bits; parametric maps hold floating-point numbers
        values = values.astype(np.int32 if values.dtype.itemsize < 4 else np.int64)
    if str(data.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        values = _inverted(values, data)
    return values.reshape((-1, *values.shape[-2:]))


def _decoded_by_itk(file: Path, data: Dataset, shown: str) -> NDArray[np.number]:
    """Return the stored values of a file with one frame by SimpleITK, which scales them; that is undone here.

    Of several frames, SimpleITK scales all as the first, and values stored inverted it inverts: both are refused.
    """
    kind = UID(str(data.file_meta.get("TransferSyntaxUID", ""))).name
    refused = ScanError(
        f"{shown} is damaged, or compressed in a way that brainseg does not read ({kind}): decompress it first, for "
        "example with dcmdjpeg."
    )
    if int(data.get("NumberOfFrames") or 1) > 1 or str(data.get("PhotometricInterpretation")) != "MONOCHROME2":
        raise refused
    try:
        scaled = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    except RuntimeError as error:
        raise refused from error
    slope, intercept = float(data.get("RescaleSlope") or 1), float(data.get("RescaleIntercept") or 0)
    stored: NDArray[np.number] = np.rint((scaled.astype(np.float64) - intercept) / slope).astype(np.int32)
    return stored


def _inverted(values: NDArray[np.number], data: Dataset) -> NDArray[np.number]:
    """Map the largest value that the bits can hold to the smallest, and the reverse."""
    top = -1 if int(data.get("PixelRepresentation", 0)) else 2 ** int(data.BitsStored) - 1
    return top - values


def _check_size(data: Dataset, shown: str) -> None:
    amount = int(data.Rows) * int(data.Columns) * int(data.get("NumberOfFrames") or 1)
    if amount > MAX_VOXELS:
        raise ScanError(f"{shown} {TOO_LARGE}.")
