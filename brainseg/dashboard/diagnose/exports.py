"""Answers as files to take away; each carries the disclaimer."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from brainseg.dashboard.diagnose.answers import Answered
from brainseg.diagnosis.picture import diagnosis_sheet, png_bytes
from brainseg.diagnosis.table import answer_row, answers_csv


def csv_file(answered: Sequence[Answered], classes: Sequence[str]) -> bytes:
    """Return all answers as CSV, for spreadsheets with the mark that says UTF-8."""
    return answers_csv([answer_row(each.case.name, each.answer) for each in answered], classes).encode("utf-8-sig")


def png_file(answered: Answered, opacity: float) -> bytes:
    """Return the sheet of one good answer as PNG."""
    scan = answered.case.scan
    return png_bytes(diagnosis_sheet(scan.pixels, answered.case.name, answered.answer, opacity))


def zip_file(answered: Sequence[Answered], classes: Sequence[str], opacity: float) -> bytes:
    """Return the table and the sheets of all good answers as ZIP; numbered, since names may repeat."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("diagnosis.csv", csv_file(answered, classes))
        for number, each in enumerate(answered, start=1):
            if each.good:
                archive.writestr(f"{number:02d}-{each.case.scan.sha256[:8]}.png", png_file(each, opacity))
    return stream.getvalue()
