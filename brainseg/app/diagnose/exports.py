"""Answers as files to take away; each carries the disclaimer."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from brainseg.app.diagnose.answers import Answered
from brainseg.diagnosis.mask_picture import FILL, joint_sheet, mask_image, segmentation_sheet
from brainseg.diagnosis.picture import diagnosis_sheet, png_bytes
from brainseg.diagnosis.table import answer_row, answers_csv, mask_facts, standing_cells


def csv_file(answered: Sequence[Answered], classes: Sequence[str]) -> bytes:
    """Return all answers as CSV, for spreadsheets with the mark that says UTF-8; no classes where none classified."""
    masks = any(each.marked for each in answered)
    return answers_csv(map(_row, answered), classes, masks).encode("utf-8-sig")


def _row(answered: Answered) -> dict[str, object]:
    row = answer_row(answered.case.name, answered.answer)
    if not answered.asked:
        return row
    mask = mask_facts(answered.marked, answered.agreement) if answered.marked else {}
    return row | mask | standing_cells(answered.asked, answered.case.scan.warnings, answered.contradiction)


def png_file(answered: Answered, opacity: float, fill: float = FILL) -> bytes:
    """Return the sheet of one good answer as PNG, with the opacity of its heatmap and that of its mask."""
    pixels, name, answer, marked = answered.case.scan.pixels, answered.case.name, answered.answer, answered.marked
    if not answer:
        return png_bytes(segmentation_sheet(pixels, name, marked, fill))
    if not marked:
        return png_bytes(diagnosis_sheet(pixels, name, answer, opacity))
    return png_bytes(joint_sheet(pixels, name, answer, marked, (opacity, fill), answered.positive))


def zip_file(answered: Sequence[Answered], classes: Sequence[str], opacity: float, fill: float = FILL) -> bytes:
    """Return the table, and sheets and masks of all good answers, as ZIP; numbered, since names may repeat."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("diagnosis.csv", csv_file(answered, classes))
        for number, each in enumerate(answered, start=1):
            if each.good:
                stem = f"{number:02d}-{each.case.scan.sha256[:8]}"
                archive.writestr(f"{stem}.png", png_file(each, opacity, fill))
                if each.marked:
                    archive.writestr(f"{stem}-mask.png", png_bytes(mask_image(each.marked)))
    return stream.getvalue()
