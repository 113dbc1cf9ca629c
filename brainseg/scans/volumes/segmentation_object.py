"""Write a mask as a DICOM segmentation object (SEG), which viewers lay over the series that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainseg import DISCLAIMER, __version__
from brainseg.errors import ScanError
from brainseg.extras import require
from brainseg.scans.volumes.dicom_writing import code_of, finish, short_text
from brainseg.scans.volumes.segment_codes import BRAIN, concepts_of
from brainseg.scans.volumes.source import Source, SourceSlice, made_uid
from brainseg.scans.volumes.stand_ins import name_sources, stand_ins
from brainseg.scans.volumes.volume import Volume, as_stored, spacing_of

if TYPE_CHECKING:
    from highdicom.seg import Segmentation, SegmentDescription

_SERIES_NUMBER = 300
"""Above the numbers that scanners give."""
_SERIES = "brainseg mask, research use only"


@dataclass(frozen=True)
class Algorithm:
    """What drew a mask.

    Attributes:
        name: Name of the model.
        digest: SHA-256 of its bundle.
        corrected: Whether a person corrected the mask.
    """

    name: str
    digest: str
    corrected: bool = False


def refusal(volume: Volume) -> str:
    """Return why no segmentation object can be written for a volume, as one sentence; "" if one can."""
    if volume.source_format != "DICOM":
        return f"{volume.name} is {volume.source_format} and not DICOM, so its mask is not written as DICOM."
    if volume.source is None:
        return (
            f"{volume.name} lacks UIDs by which a DICOM mask names the images that it belongs to, so its mask is not "
            "written as DICOM: export the series again."
        )
    return ""


def segmentation_object(
    mask: NDArray[np.uint8],
    names: Sequence[str],
    volume: Volume,
    algorithm: Algorithm,
    moment: datetime | None = None,
) -> bytes:
    """Return a mask as the bytes of a DICOM file: a binary segmentation with one segment per class.

    It has a frame for each slice and class, also for those without a marked pixel: many programs stack the frames
    without asking where they lie, and an empty mask is a valid file. Each frame lies where its slice lies, and names
    it. Study, series, instances and frame of reference of the source are named as they are, since no viewer finds the
    images otherwise; what describes the patient is left empty. UIDs of the new object are made from its content.

    Args:
        mask: (X, Y, Z) uint8 class numbers, oriented as `volume.array`; 0 is background.
        names: The classes 1, 2, ... without background.
        volume: The volume that the mask is of.
        algorithm: What drew the mask.
        moment: When the mask was drawn; now by default. It is the only thing in which two calls differ.

    Raises:
        ScanError: The volume does not come from DICOM files, or they lack UIDs.
        MissingLibraryError: highdicom is not installed.
        ValueError: The mask does not fit the volume or the names.
    """
    if (source := volume.source) is None:
        raise ScanError(refusal(volume))
    require("highdicom", "A mask in DICOM")
    turned, affine = as_stored(mask, volume)
    planes = np.ascontiguousarray(turned.transpose(2, 1, 0))
    if mask.shape != volume.array.shape or len(planes) != len(source.slices):
        raise ValueError(f"A mask of {mask.shape} is not on the grid of a volume of {volume.array.shape}.")
    content = _content(planes, names, source, algorithm)
    built = _built(planes, names, source, spacing_of(affine)[2], algorithm, content)
    name_sources(built, source)
    _replace_what_varies(built, content, moment or datetime.now())
    stream = BytesIO()
    built.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _built(
    planes: NDArray[np.uint8],
    names: Sequence[str],
    source: Source,
    gap: float,
    algorithm: Algorithm,
    content: str,
) -> Segmentation:
    from highdicom.seg import Segmentation, SegmentationTypeValues

    return Segmentation(
        source_images=stand_ins(source, planes.shape[1:], gap),
        pixel_array=planes,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_described(number, name, algorithm) for number, name in enumerate(names, start=1)],
        series_instance_uid=made_uid(f"series {content}"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=made_uid(f"instance {content}"),
        instance_number=1,
        manufacturer="brainseg",
        manufacturer_model_name="brainseg",
        software_versions=__version__,
        device_serial_number=algorithm.digest,
        content_label="RESEARCH_MASK",
        content_description=DISCLAIMER,
        series_description=_SERIES,
        omit_empty_frames=False,
    )


def _described(number: int, name: str, algorithm: Algorithm) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    category, kind = concepts_of(name)
    made_by = AlgorithmIdentificationSequence(
        name=short_text(algorithm.name),
        family=codes.DCM.ArtificialIntelligence,
        version=algorithm.digest,
        source=f"brainseg {__version__}",
    )
    described = SegmentDescription(
        segment_number=number,
        segment_label=short_text(name),
        segmented_property_category=code_of(category),
        segmented_property_type=code_of(kind),
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC
        if algorithm.corrected
        else SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=made_by,
        anatomic_regions=[code_of(BRAIN)],
    )
    by = f"{short_text(name)}, corrected by a person." if algorithm.corrected else f"{short_text(name)}."
    described.SegmentDescription = f"{by} {DISCLAIMER}"
    return described


def _content(planes: NDArray[np.uint8], names: Sequence[str], source: Source, algorithm: Algorithm) -> str:
    """Return a text that is the same for equal content alone."""
    frames = [_named(each) for each in source.slices]
    pixels = sha256(planes.tobytes()).hexdigest()
    return "\n".join(
        [
            source.series,
            *frames,
            *names,
            algorithm.name,
            algorithm.digest,
            str(algorithm.corrected),
            __version__,
            pixels,
        ]
    )


def _named(each: SourceSlice) -> str:
    return f"{each.file.instance} {each.frame} {each.plane.position.tolist()}"


def _replace_what_varies(built: Segmentation, content: str, moment: datetime) -> None:
    """Set times, UIDs and padding that highdicom leaves to chance, and say what the file leaves out."""
    organization = made_uid(f"dimensions {content}")
    for item in (*built.DimensionOrganizationSequence, *built.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    finish(built, moment)
    used = -(-built.NumberOfFrames * built.Rows * built.Columns // 8)
    built.PixelData = built.PixelData[:used] + b"\0" * (used % 2)  # highdicom fills up with the character "0"
