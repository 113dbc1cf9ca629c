"""The files that a marked volume is offered as, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from brainseg.app.diagnose.members import Member
from brainseg.app.visitor import later
from brainseg.errors import ScanError
from brainseg.extras import installed

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_mask import VolumeMask


@dataclass(frozen=True)
class VolumeFile:
    """A kind of file.

    Attributes:
        label: Text of its button.
        name: File name; of a corrected mask, "-corrected" comes before the first dot.
        kind: MIME type.
        make: Returns the content, from the answer and the model that gave it.
        only: Whether it is offered for an answer; by default for all.
    """

    label: str
    name: str
    kind: str
    make: Callable[[VolumeMask, Member], bytes]
    only: Callable[[VolumeMask], bool] = lambda _: True


def _mask(answer: VolumeMask, _: Member) -> bytes:
    from brainseg.scans.volumes.writing import mask_bytes

    return mask_bytes(answer.mask, answer.volume)


def _measurements(answer: VolumeMask, _: Member) -> bytes:
    from brainseg.diagnosis.study_table import measurements

    return measurements(answer).encode("utf-8-sig")  # with a byte-order mark: spreadsheets then read it as UTF-8


def _has_object(answer: VolumeMask) -> bool:
    from brainseg.scans.volumes.segmentation_object import refusal

    return not refusal(answer.volume)


def _object(answer: VolumeMask, _: Member) -> bytes:
    from brainseg.diagnosis.mask_object import mask_object

    made, note = mask_object(answer)
    if made is None:
        raise ScanError(note)
    return made


def _measurement_object(answer: VolumeMask, model: Member) -> bytes:
    from brainseg.diagnosis.measurement_object import measurement_object

    return measurement_object(answer, _object(answer, model))


def _report(kind: str, answer: VolumeMask, model: Member) -> bytes:
    from brainseg.results.report.model_content import AskedModel
    from brainseg.results.report.volume_content import volume_report
    from brainseg.results.report.writing import now, report_bytes

    return report_bytes([volume_report(answer, AskedModel(answer.model, model.description), now())], kind)


def _has_reportlab(_: VolumeMask) -> bool:
    return installed("reportlab")


FILES = (
    VolumeFile("Mask (NIfTI)", "mask.nii.gz", "application/gzip", _mask),
    VolumeFile("Mask (DICOM)", "mask.dcm", "application/dicom", _object, _has_object),
    VolumeFile("Measurements (CSV)", "measurements.csv", "text/csv", _measurements),
    VolumeFile("Measurements (DICOM)", "measurements.dcm", "application/dicom", _measurement_object, _has_object),
    VolumeFile("Report (PDF)", "report.pdf", "application/pdf", partial(_report, ".pdf"), _has_reportlab),
    VolumeFile("Report (HTML)", "report.html", "text/html", partial(_report, ".html")),
)
"""To offer another kind of file, add it here."""


def offer_files(answer: VolumeMask, model: Member, corrected: bool) -> None:
    """Draw the buttons for one mask.

    Args:
        answer: The mask with its measurements.
        model: The model that gave the answer.
        corrected: Whether it is a person's: its files have other names, so neither replaces the other.
    """
    with st.container(horizontal=True):
        for file in (each for each in FILES if each.only(answer)):
            stem, _, ending = file.name.partition(".")
            name = f"{stem}-corrected.{ending}" if corrected else file.name
            st.download_button(
                f"{file.label}, corrected" if corrected else file.label,
                later(partial(file.make, answer, model)),
                name,
                file.kind,
                key=f"download-{name}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
