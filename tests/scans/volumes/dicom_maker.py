"""Writes small DICOM series for the tests, as scanners send them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
AXIAL = (1, 0, 0, 0, 1, 0)
SAGITTAL = (0, 1, 0, 0, 0, -1)
CORONAL = (1, 0, 0, 0, 0, -1)
OBLIQUE = (0.8, 0.6, 0, -0.48, 0.64, 0.6)
NAME = "Planted^Person"


def write_series(
    folder: Path,
    values: np.ndarray,
    cosines: Sequence[float] = AXIAL,
    spacing: tuple[float, float] = (2.0, 1.5),
    gap: float = 3.0,
    origin: Sequence[float] = (-10.0, 20.0, 5.0),
    first: int = 1,
    each: Any = None,
    **tags: Any,
) -> list[Path]:
    """Write (slices, rows, columns) integers as one file per slice; `each` changes the dataset of a slice."""
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(cosines[:3], cosines[3:])
    files, series = [], tags.pop("SeriesInstanceUID", generate_uid())
    for place, plane in enumerate(values):
        data = basic(plane, series, **tags)
        data.ImagePositionPatient = [float(f"{value:.10g}") for value in np.array(origin) + place * gap * normal]
        data.ImageOrientationPatient = list(cosines)
        data.PixelSpacing, data.SliceThickness, data.InstanceNumber = list(spacing), gap, first + place
        if each:
            each(place, data)
        # The names sort in another order than the slices.
        file = folder / f"{(place * 7 + first * 13) % 101:03d}-{first + place}.dcm"
        data.save_as(file, enforce_file_format=True)
        files.append(file)
    return files


def basic(plane: np.ndarray, series: str, **tags: Any) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = MR, generate_uid()
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = MR, data.SOPInstanceUID
    data.SeriesInstanceUID, data.StudyInstanceUID, data.Modality = series, "1.2.3.4", "MR"
    data.PatientName, data.PatientID, data.PatientBirthDate = NAME, "PLANTED-ID", "19010203"
    data.InstitutionName, data.SeriesDescription = "Planted Hospital", "t1_mprage_sag"
    data.Rows, data.Columns = plane.shape[-2:]
    signed = plane.dtype.kind == "i"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, int(signed), 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelData = np.ascontiguousarray(plane, "<i2" if signed else "<u2").tobytes()
    for name, value in tags.items():
        setattr(data, name, value)
    return data


def write_enhanced(file: Path, values: np.ndarray, frames: Sequence[dict[str, Any]], gap: float = 3.0) -> Path:
    """Write (frames, rows, columns) as one enhanced file; a frame's dict may give `z`, `slope`, `intercept`, `type`."""
    data = basic(values, generate_uid())
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = ENHANCED_MR
    data.NumberOfFrames = len(values)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = list(AXIAL)
    measures.PixelSpacing, measures.SliceThickness = [2.0, 1.5], gap
    shared.PlaneOrientationSequence = DicomSequence([orientation])
    data.SharedFunctionalGroupsSequence = DicomSequence([shared])
    groups = []
    for frame in frames:
        group, position, scaling, kind = Dataset(), Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [-10.0, 20.0, frame["z"]]
        scaling.RescaleSlope, scaling.RescaleIntercept = frame.get("slope", 1), frame.get("intercept", 0)
        kind.FrameType = ["ORIGINAL", "PRIMARY", "T1", frame.get("type", "M")]
        group.PlanePositionSequence = DicomSequence([position])
        group.PixelMeasuresSequence = DicomSequence([measures])
        group.PixelValueTransformationSequence = DicomSequence([scaling])
        group.MRImageFrameTypeSequence = DicomSequence([kind])
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = DicomSequence(groups)
    data.save_as(file, enforce_file_format=True)
    return file


def change(file: Path, **tags: Any) -> None:
    data = pydicom.dcmread(file)
    for name, value in tags.items():
        setattr(data, name, value)
    data.save_as(file)


def compress(file: Path) -> None:
    """Rewrite a file of one slice as lossless JPEG, the form in which archives often keep MRI."""
    scale = {name: pydicom.dcmread(file).get(name) for name in ("RescaleSlope", "RescaleIntercept")}
    change(file, RescaleSlope=1, RescaleIntercept=0)
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.KeepOriginalImageUIDOn()
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    packed = file.with_name("packed.dcm")
    writer.SetFileName(str(packed))
    writer.Execute(sitk.ReadImage(str(file)))
    pixels = pydicom.dcmread(packed)
    packed.unlink()
    data = pydicom.dcmread(file)
    data.PixelData = pixels.PixelData
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = pixels.file_meta.TransferSyntaxUID
    for name, value in scale.items():
        if value is None:
            del data[name]
        else:
            setattr(data, name, value)
    data.save_as(file)
