"""Read what brainseg needs from the header of a DICOM file: its frames, and what the file is of.

Values are read element by element: pydicom's JSON form leaves out numbers of more than 16 characters. Nothing that
could name a patient leaves this module but as a keyed hash. UIDs do leave it as they are: a mask as a segmentation
object has to name the files that it belongs to.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_frame import MARKS, Frame
from brainseg.scans.volumes.dicom_mosaic import mosaic_frames
from brainseg.scans.volumes.file_window import Bounds, dicom_bounds
from brainseg.scans.volumes.geometry import plane
from brainseg.scans.volumes.sequence import sequence_of
from brainseg.scans.volumes.volume import Keys

# Warnings about values quote the values, which may name a patient. Both settings are global, so they are made once.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module=r"pydicom\.")

MAX_FRAMES = 20_000
UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_NO_SCANS = ("SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "RTIMAGE", "PR", "KO", "SR", "DOC", "OT")


@dataclass(frozen=True, eq=False)
class Header:
    """What a DICOM file is of.

    Attributes:
        file: The file.
        series: Series Instance UID, which files of one series share; the path if the file has none.
        instance: SOP Instance UID, which copies of a file share; "" if it has none.
        uids: Its UIDs by DICOM's name, those of `UIDS`; "" for one that is absent or no UID.
        images: Number of its images: above 1 for multi-frame files.
        keys: Hashed identifiers.
        modality: Such as "MR".
        sequence: See `sequence.sequence_of`.
        frames: Its frames.
    """

    file: Path
    series: str
    instance: str
    uids: dict[str, str]
    images: int
    keys: Keys
    modality: str | None
    sequence: str | None
    frames: tuple[Frame, ...]


def read_header(file: Path, secret: bytes) -> Header | None:
    """Return the header of a DICOM file; None if the file holds no image.

    Args:
        file: A DICOM file.
        secret: Key of the hashes in `Header.keys`.

    Raises:
        ScanError: The file is damaged, or its header holds impossible values. The message has no file name in front.
    """
    data = dataset(file, pixels=False)
    if "Rows" not in data or "Columns" not in data or _text(data, "Modality") in _NO_SCANS:
        return None
    if int(data.get("SamplesPerPixel", 1)) != 1:
        raise ScanError("is a colour image, not a scan: choose the scan's own series")
    try:
        return _header(file, data, secret)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise ScanError("has a damaged header: export it again") from error


def dataset(file: Path, *, pixels: bool) -> Dataset:
    """Read a DICOM file with or without its pixels.

    Raises:
        ScanError: It is not a DICOM file, or is damaged. The message has no file name in front.
    """
    try:
        return pydicom.dcmread(file, stop_before_pixels=not pixels, force=True)
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise ScanError("is damaged or incomplete (DICOM): copy or export it again") from error


def _header(file: Path, data: Dataset, secret: bytes) -> Header:
    count = int(data.get("NumberOfFrames") or 1)
    if not 1 <= count <= MAX_FRAMES:
        raise ScanError(f"claims to hold {count:,} frames; brainseg reads at most {MAX_FRAMES:,}")
    groups = data.get("PerFrameFunctionalGroupsSequence") or []
    if len(groups) not in (0, count):
        raise ScanError("describes another number of frames than it holds: export it again")
    shared = (data.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = tuple(
        _frame(file, index, data, [groups[index] if groups else Dataset(), shared, data]) for index in range(count)
    )
    texts = [_text(data, word) for word in ("SeriesDescription", "ProtocolName", "SequenceName")]
    contrast = _text(data, "ContrastBolusAgent").lower() not in ("", "none", "no", "no contrast")
    return Header(
        file=file,
        series=_text(data, "SeriesInstanceUID") or str(file),
        instance=_text(data, "SOPInstanceUID"),
        uids={name: _uid(data, name) for name in UIDS},
        images=count,
        keys=keys_of(data, secret),
        modality=_text(data, "Modality") or None,
        sequence=sequence_of(*texts, contrast=contrast),
        frames=mosaic_frames(data, frames[0]) if "MOSAIC" in _text(data, "ImageType").upper() else frames,
    )


def _frame(file: Path, index: int, data: Dataset, places: Sequence[Dataset]) -> Frame:
    """Read one frame; `places` are its own functional groups, the shared ones and the top level, in this order."""
    position = _numbers(_find(places, "PlanePositionSequence", "ImagePositionPatient"), 3)
    cosines = _numbers(_find(places, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    spacing = _numbers(_find(places, "PixelMeasuresSequence", "PixelSpacing"), 2)
    where = plane(position, cosines, spacing) if position and cosines and spacing else None
    between = _number(_find(places, "PixelMeasuresSequence", "SpacingBetweenSlices"))
    thickness = _number(_find(places, "PixelMeasuresSequence", "SliceThickness"))
    slope = _number(_find(places, "PixelValueTransformationSequence", "RescaleSlope"))
    intercept = _number(_find(places, "PixelValueTransformationSequence", "RescaleIntercept"))
    values = {
        "stack": _find(places, "FrameContentSequence", "StackID"),
        "type": _find(places, "MRImageFrameTypeSequence", "FrameType") or data.get("ImageType"),
        "echo": _find(places, "MREchoSequence", "EffectiveEchoTime") or data.get("EchoTime"),
        "time": _find(places, "FrameContentSequence", "TemporalPositionIndex")
        or data.get("TemporalPositionIdentifier"),
        "b-value": _find(places, "MRDiffusionSequence", "DiffusionBValue"),
        "direction": _direction(places),
        "trigger": data.get("TriggerTime"),
        "acquisition": data.get("AcquisitionNumber"),
    }
    return Frame(
        file=file,
        index=index,
        shape=(int(data.Rows), int(data.Columns)),
        plane=where,
        thickness=between or thickness,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        marks={name: _words(values[name]) for name in MARKS},
        number=(int(data.get("InstanceNumber") or 0), index),
        windows=_windows(data, places),
    )


def _windows(data: Dataset, places: Sequence[Dataset]) -> tuple[Bounds, ...]:
    """Return the windows of a frame; none for values stored inverted, which are read the other way round."""
    if _text(data, "PhotometricInterpretation") == "MONOCHROME1":
        return ()
    centres, widths = (_find(places, "FrameVOILUTSequence", name) for name in ("WindowCenter", "WindowWidth"))
    if centres is None or widths is None:
        return ()
    try:
        return dicom_bounds(*([float(each) for each in _several(values)] for values in (centres, widths)))
    except (ValueError, TypeError):  # a window is no reason to refuse a scan
        return ()


def _several(value: Any) -> list[Any]:  # noqa: ANN401
    return list(value) if isinstance(value, (list, MultiValue)) else [value]


def _find(places: Sequence[Dataset], group: str, name: str) -> Any:  # noqa: ANN401 - any DICOM value
    """Return a value from the first place that has it, in its functional group or, at the top level, outside one."""
    for place in places:
        items = place.get(group)
        for item in [*(items[:1] if items else []), place]:
            if (value := item.get(name)) is not None and value != "":
                return value
    return None


def _direction(places: Sequence[Dataset]) -> Any:  # noqa: ANN401
    for place in places:
        for outer in place.get("MRDiffusionSequence") or []:
            for inner in outer.get("DiffusionGradientDirectionSequence") or []:
                return inner.get("DiffusionGradientOrientation")
    return None


def _number(value: Any) -> float | None:  # noqa: ANN401
    number = None if value is None else float(value)
    if number is not None and not math.isfinite(number):
        raise ScanError("has a number in its header that is infinite or not a number: export it again")
    return number


def _numbers(value: Any, count: int) -> list[float] | None:  # noqa: ANN401
    if value is None:
        return None
    numbers = [float(each) for each in value]
    if len(numbers) != count:
        raise ScanError("has a damaged header: export it again")
    return numbers


def _text(data: Dataset, name: str) -> str:
    return _words(data.get(name))


def _uid(data: Dataset, name: str) -> str:
    """Return a UID; anything but digits and points could say something of the patient, and is none."""
    text = _text(data, name)
    return text if re.fullmatch(r"[0-9.]{1,64}", text) else ""


def _words(value: Any) -> str:  # noqa: ANN401
    """Return one or several values as text; "" for none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{float(value):g}"
    return " ".join(_words(part) for part in value) if isinstance(value, (list, MultiValue)) else str(value)


def keys_of(data: Dataset, secret: bytes) -> Keys:
    """Hash the identifiers; without the secret, a list of all likely patient numbers would undo it."""

    def key(*names: str) -> str:
        value = "\n".join(_text(data, name) for name in names)
        return hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:16] if value.strip() else ""

    return Keys(
        patient=key("PatientID", "PatientName", "PatientBirthDate"),
        study=key("StudyInstanceUID"),
        series=key("SeriesInstanceUID"),
    )
