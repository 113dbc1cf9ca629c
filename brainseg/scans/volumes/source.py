"""The `Source` object: the DICOM files that a volume was read from, as a segmentation object has to name them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from brainseg.scans.volumes.geometry import Plane


@dataclass(frozen=True)
class SourceFile:
    """A DICOM file that holds slices of a volume.

    Attributes:
        sop_class: Its SOP class UID.
        instance: Its SOP instance UID.
        frames: Number of its images: above 1 for multi-frame files.
        mosaic: Whether its slices are tiles of one image.
    """

    sop_class: str
    instance: str
    frames: int
    mosaic: bool


@dataclass(frozen=True, eq=False)
class SourceSlice:
    """A slice of a volume as its file stores it.

    Attributes:
        file: Where it is stored; slices of one file share this object.
        frame: Number of its image in the file, from 1.
        plane: Where it lies.
    """

    file: SourceFile
    frame: int
    plane: Plane


@dataclass(frozen=True, eq=False)
class Source:
    """What a DICOM viewer needs to lay something over the files of a volume. Nothing in it is of the patient.

    Attributes:
        study: Study instance UID.
        series: Series instance UID.
        frame_of_reference: UID of the coordinates that the planes are in; made from that of the series if the files
            state none.
        slices: The slices, in the order of the stored stack.
    """

    study: str
    series: str
    frame_of_reference: str
    slices: tuple[SourceSlice, ...]


def made_uid(text: str) -> str:
    """Return a UID that depends on the text alone, under the root for numbers made from UUIDs.

    >>> made_uid("a")
    '2.25.1051916835522215120598975861040489436'
    """
    return f"2.25.{int.from_bytes(sha256(text.encode()).digest()[:15], 'big')}"
