"""Headers that stand in for the images of a series where highdicom asks for them, and what they stand for.

highdicom takes single images of one exact orientation, or one multi-frame file of one volume, and copies what they say
of the patient. So it gets one made header for each slice, whatever the slice is stored in, with the geometry alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from brainseg.scans.volumes.source import Source, SourceFile

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from pydicom.dataset import Dataset

_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
_NUMBERED = "2.25."
_OF_THE_PATIENT = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator",
)  # fmt: skip
"""What highdicom wants to copy; all of it may be empty."""


def stand_ins(source: Source, shape: tuple[int, int], gap: float) -> list[Dataset]:
    """Return a header for each slice, whose instance UID ends in the place of the slice.

    Args:
        source: The slices.
        shape: Rows and columns of each.
        gap: Distance between slices in mm.
    """
    from pydicom.dataset import Dataset

    first = source.slices[0].plane  # scanners write directions that differ in the eighth digit
    made = []
    for place, each in enumerate(source.slices):
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = _MR_IMAGE, f"{_NUMBERED}{place}"
        data.StudyInstanceUID, data.SeriesInstanceUID = source.study, source.series
        data.FrameOfReferenceUID = source.frame_of_reference
        data.Modality = "MR"
        for name in _OF_THE_PATIENT:
            setattr(data, name, "")
        data.Rows, data.Columns = shape
        data.ImagePositionPatient = _decimals(each.plane.position)
        data.ImageOrientationPatient = _decimals([*first.rows, *first.columns])
        data.PixelSpacing = _decimals(first.spacing)
        data.SliceThickness, data.SpacingBetweenSlices = _decimals([gap, gap])
        made.append(data)
    return made


def name_sources(built: Segmentation, source: Source) -> None:
    """Replace what names the stand-ins in a segmentation by what names the images that they stand for."""
    used: dict[SourceFile, set[int]] = {}
    for each in source.slices:
        used.setdefault(each.file, set()).add(each.frame)
    built.SourceImageSequence = [_reference(file, frames) for file, frames in used.items()]
    built.ReferencedSeriesSequence[0].ReferencedInstanceSequence = [_reference(file) for file in used]
    derived = [frame.DerivationImageSequence[0] for frame in built.PerFrameFunctionalGroupsSequence]
    items = {id(item): item for each in derived for item in each.SourceImageSequence}  # frames of a slice share one
    for item in items.values():
        its = source.slices[int(item.ReferencedSOPInstanceUID.removeprefix(_NUMBERED))]
        item.update(_reference(its.file, {its.frame}))
        item.SpatialLocationsPreserved = "NO" if its.file.mosaic else "YES"


def _reference(file: SourceFile, frames: Collection[int] = ()) -> Dataset:
    """Return what names a file, or some of its frames; as DICOM wants it, frames are not listed if all are meant."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = file.sop_class, file.instance
    if 0 < len(frames) < file.frames:
        item.ReferencedFrameNumber = sorted(frames)
    return item


def _decimals(values: Iterable[float]) -> list[str]:
    """Return numbers as DICOM's decimal text of at most 16 characters, as exact as that allows."""
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(value)) for value in values]
