"""Write a volume of the phantom as a DICOM series, as a scanner would send it; equal content gives identical bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainseg.phantom.output import NOTICE
from brainseg.scans.volumes.slices import PLANES, cut
from brainseg.scans.volumes.source import made_uid
from brainseg.scans.volumes.volume import spacing_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
_TIMES = {"T1": (500.0, 10.0), "T1ce": (500.0, 10.0), "T2": (4000.0, 100.0), "FLAIR": (9000.0, 100.0)}
"""Sequence -> repetition and echo time in ms, as usual at 1.5 T."""
_DESCRIPTIONS = {"T1": "t1", "T1ce": "t1 post contrast", "T2": "t2", "FLAIR": "flair"}


def write_series(
    folder: Path, volume: NDArray[np.int16], affine: NDArray[np.float64], sequence: str, plane: str, person: str
) -> None:
    """Write a volume slice by slice.

    Args:
        folder: A new folder for the files.
        volume: (X, Y, Z) int16, on axes towards right, anterior and superior.
        affine: (4, 4), index -> mm, RAS+.
        sequence: "T1", "T1ce", "T2" or "FLAIR".
        plane: The plane of the slices, a key of `scans.volumes.slices.PLANES`.
        person: Name of the synthetic person.
    """
    folder.mkdir(parents=True)
    axis = PLANES[plane]
    across, down = (other for other in range(3) if other != axis)
    steps = np.diag([-1.0, -1.0, 1.0]) @ affine[:3, :3]  # LPS, as DICOM counts
    sizes = spacing_of(affine)
    for index in range(volume.shape[axis]):
        corner = np.array([side - 1 for side in volume.shape] + [1], np.float64)
        corner[axis] = index
        place = np.diag([-1.0, -1.0, 1.0]) @ (affine @ corner)[:3]
        data = _header(sequence, plane, person, index)
        data.ImagePositionPatient = _decimals(place)
        data.ImageOrientationPatient = _decimals([*-steps[:, across] / sizes[across], *-steps[:, down] / sizes[down]])
        data.PixelSpacing = _decimals([sizes[down], sizes[across]])
        data.SliceThickness, data.SpacingBetweenSlices = _decimals([sizes[axis]] * 2)
        values = np.ascontiguousarray(cut(volume, plane, index), "<i2")
        data.Rows, data.Columns = values.shape
        data.PixelData = values.tobytes()
        data.save_as(folder / f"{index + 1:04d}.dcm", enforce_file_format=True)


def _header(sequence: str, plane: str, person: str, index: int) -> Dataset:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UID(_MR_IMAGE)
    series = f"{person} {sequence} {plane}"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = UID(made_uid(f"{series} {index}"))
    data.SeriesInstanceUID, data.StudyInstanceUID = made_uid(series), made_uid(person)
    data.FrameOfReferenceUID = made_uid(f"{person}.")
    data.ImageType, data.Modality, data.Manufacturer = ["DERIVED", "PRIMARY", "M"], "MR", "brainseg phantom"
    data.PatientName, data.PatientID, data.PatientIdentityRemoved = person, person, "YES"
    data.DeidentificationMethod = "synthetic, no patient"
    data.PatientBirthDate = data.PatientSex = data.StudyDate = data.StudyTime = data.AccessionNumber = data.StudyID = ""
    data.SeriesNumber, data.InstanceNumber = 1 + list(_TIMES).index(sequence), index + 1
    data.SeriesDescription = f"{_DESCRIPTIONS[sequence]} {plane}"
    data.ImageComments = NOTICE
    data.RepetitionTime, data.EchoTime = _decimals(_TIMES[sequence])
    if sequence == "FLAIR":
        data.InversionTime = 2500
    if sequence == "T1ce":
        data.ContrastBolusAgent = "synthetic"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 1, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.WindowCenter, data.WindowWidth = 600, 1200
    return data


def _decimals(values: NDArray[np.float64] | list[float] | tuple[float, ...]) -> list[str]:
    """Return numbers as DICOM's decimal text, which has at most 16 characters."""
    return [f"{value:.9g}" for value in values]
