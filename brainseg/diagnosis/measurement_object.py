"""The measurements of a volume's mask as a DICOM structured report (SR), beside its segmentation object."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from brainseg import DISCLAIMER
from brainseg.diagnosis.volume_mask import PERSON, VolumeMask
from brainseg.extras import require
from brainseg.scans.volumes.dicom_writing import code_of, finish, short_text
from brainseg.scans.volumes.segment_codes import BRAIN, LESION, concepts_of
from brainseg.scans.volumes.source import made_uid

if TYPE_CHECKING:
    from highdicom import sr
    from pydicom.dataset import Dataset

_SERIES_NUMBER = 301
"""After that of the mask."""
_SERIES = "brainseg measurements, research use only"


def measurement_object(answer: VolumeMask, mask: bytes, moment: datetime | None = None) -> bytes:
    """Return the measurements of a mask as the bytes of a DICOM file, by template TID 1500 of the standard (PS3.16).

    It has the volume of each class, which names its segment of the mask, and the volume, the largest diameter and the
    centre of each lesion. It is marked as preliminary and not verified. Of the patient it holds nothing.

    Args:
        answer: The mask with its measurements.
        mask: The segmentation object of the same mask, from `scans.volumes.segmentation_object`.
        moment: When the mask was drawn; now by default. It is the only thing in which two calls differ.

    Raises:
        MissingLibraryError: highdicom is not installed.
    """
    require("highdicom", "Measurements in DICOM")
    from highdicom import sr
    from pydicom import dcmread
    from pydicom.sr.codedict import codes

    segmentation = dcmread(BytesIO(mask), stop_before_pixels=True)
    seed = segmentation.SOPInstanceUID
    device = sr.DeviceObserverIdentifyingAttributes(
        made_uid(answer.digest), "brainseg", manufacturer_name="brainseg", model_name=answer.model
    )
    report = sr.MeasurementReport(
        sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device)),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[*_of_classes(answer, segmentation), *_of_lesions(answer, segmentation)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    built = sr.Comprehensive3DSR(
        evidence=[segmentation],
        content=report[0],
        series_instance_uid=made_uid(f"measurement series {seed}"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=made_uid(f"measurements {seed}"),
        instance_number=1,
        manufacturer="brainseg",
        series_description=_SERIES,
    )
    when = moment or datetime.now()
    finish(built, when)
    stream = BytesIO()
    built.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _of_classes(
    answer: VolumeMask, segmentation: Dataset
) -> Iterator[sr.VolumetricROIMeasurementsAndQualitativeEvaluations]:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    series = sr.SourceSeriesForSegmentation(segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID)
    for number, (name, amount) in enumerate(answer.ml.items(), start=1):
        segment = sr.ReferencedSegment(
            segmentation.SOPClassUID, segmentation.SOPInstanceUID, number, source_series=series
        )
        yield sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            _tracking(answer, segmentation, name),
            referenced_segment=segment,
            finding_type=code_of(concepts_of(name)[1]),
            algorithm_id=_algorithm(answer),
            finding_sites=[sr.FindingSite(code_of(BRAIN))],
            measurements=[sr.Measurement(codes.SCT.Volume, _cubic_mm(amount), codes.UCUM.CubicMillimeter)],
        )


def _of_lesions(answer: VolumeMask, segmentation: Dataset) -> Iterator[sr.MeasurementsAndQualitativeEvaluations]:
    """Describe each lesion; it is no segment of its own, so its centre says which part of the mask it is."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    for number, lesion in enumerate(answer.lesions, start=1):
        right, anterior, superior = lesion.centre
        centre = sr.CoordinatesForMeasurement3D(
            sr.GraphicTypeValues3D.POINT,
            np.array([[-right, -anterior, superior]]),  # DICOM counts to the patient's left and back
            segmentation.FrameOfReferenceUID,
        )
        yield sr.MeasurementsAndQualitativeEvaluations(
            _tracking(answer, segmentation, f"Lesion {number}"),
            finding_type=code_of(LESION),
            algorithm_id=_algorithm(answer),
            finding_sites=[sr.FindingSite(code_of(BRAIN))],
            measurements=[
                sr.Measurement(
                    codes.SCT.Volume,
                    _cubic_mm(lesion.ml),
                    codes.UCUM.CubicMillimeter,
                    referenced_coordinates=[centre],
                ),
                sr.Measurement(
                    codes.SCT.Diameter, lesion.diameter, codes.UCUM.Millimeter, derivation=codes.SCT.Maximum
                ),
            ],
        )


def _tracking(answer: VolumeMask, segmentation: Dataset, name: str) -> sr.TrackingIdentifier:
    from highdicom import sr

    corrected = ", corrected by a person" if answer.mask_by == PERSON else ""
    return sr.TrackingIdentifier(
        made_uid(f"{segmentation.SOPInstanceUID} {name}"), short_text(f"{name}{corrected}, research use only")
    )


def _algorithm(answer: VolumeMask) -> sr.AlgorithmIdentification:
    from highdicom import sr

    return sr.AlgorithmIdentification(short_text(answer.model), answer.digest, [DISCLAIMER])


def _cubic_mm(ml: float) -> float:
    return 1000 * ml
