"""Answers as files to download; each carries the disclaimer."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.cases import Unreadable
from brainseg.diagnosis.images import diagnosis_sheet, png_bytes
from brainseg.diagnosis.mask_images import FILL, joint_sheet, mask_image, segmentation_sheet
from brainseg.diagnosis.table import answer_row, answers_csv, mask_facts, reliability_cells


def csv_file(results: Sequence[Answered | Unreadable], classes: Sequence[str]) -> bytes:
    """Return all results as CSV, with a byte-order mark: spreadsheets then read it as UTF-8.

    Args:
        results: The results, one per row.
        classes: The classifiers' classes; empty without a classifier.
    """
    masks = any(isinstance(each, Answered) and each.marked for each in results)
    return answers_csv(map(_row, results), classes, masks).encode("utf-8-sig")


def _row(result: Answered | Unreadable) -> dict[str, object]:
    if isinstance(result, Unreadable):
        return answer_row(result.name, result.reason)
    row = answer_row(result.case.name, result.answer)
    mask = mask_facts(result.marked, result.agreement) if result.marked else {}
    return row | mask | reliability_cells(result.answers, result.case.scan.warnings, result.contradiction)


def png_file(answered: Answered, opacity: float, fill: float = FILL) -> bytes:
    """Return the sheet of one answer as PNG; `opacity` of its heatmap and `fill` of its mask are in 0..1."""
    pixels, name, answer, marked = answered.case.scan.pixels, answered.case.name, answered.answer, answered.marked
    if answer and marked:
        return png_bytes(joint_sheet(pixels, name, answer, marked, (opacity, fill), answered.positive))
    if answer:
        return png_bytes(diagnosis_sheet(pixels, name, answer, opacity))
    if marked:
        return png_bytes(segmentation_sheet(pixels, name, marked, fill))
    raise ValueError(f"{name} has no answer to draw.")


def zip_file(
    results: Sequence[Answered | Unreadable], classes: Sequence[str], opacity: float, fill: float = FILL
) -> bytes:
    """Return the table, and the sheets and masks of all answers, as ZIP; numbered, since file names may repeat."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("diagnosis.csv", csv_file(results, classes))
        for number, each in enumerate(results, start=1):
            if isinstance(each, Unreadable):
                continue
            stem = f"{number:02d}-{each.case.scan.sha256[:8]}"
            archive.writestr(f"{stem}.png", png_file(each, opacity, fill))
            if each.marked:
                archive.writestr(f"{stem}-mask.png", png_bytes(mask_image(each.marked)))
    return stream.getvalue()
