"""The mask of a volume as a DICOM segmentation object, for the command line and the pages."""

from __future__ import annotations

from brainseg.diagnosis.volume_mask import PERSON, VolumeMask
from brainseg.errors import MissingLibraryError
from brainseg.scans.volumes.segmentation_object import Algorithm, refusal, segmentation_object


def mask_object(answer: VolumeMask) -> tuple[bytes | None, str]:
    """Return the mask as the bytes of a DICOM file, or None and why there is none, as one sentence.

    There is none for volumes of other formats, for DICOM files without UIDs, and without highdicom.
    """
    if note := refusal(answer.volume):
        return None, note
    try:
        made_by = Algorithm(answer.model, answer.digest, answer.mask_by == PERSON)
        return segmentation_object(answer.mask, tuple(answer.ml), answer.volume, made_by), ""
    except MissingLibraryError as error:
        return None, str(error)
