"""The pages of reports as PDF: each says that it is for research use only, and its number of how many."""

from __future__ import annotations

from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFInfo, PDFString
from reportlab.pdfgen.canvas import Canvas

from brainseg import DISCLAIMER, __version__
from brainseg.results.report.pdf_style import BOLD, COLOURS, FONT

_EDGE = 18 * mm
_BASE = 11 * mm


class NumberedCanvas(Canvas):
    """A canvas that keeps its pages until it is saved, when their number is known."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of reportlab's canvas
        super().__init__(*arguments, **options)
        self._pages: list[dict[str, Any]] = []
        self._doc.info = _Info()

    def showPage(self) -> None:
        """Keep a page."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write all pages, each with its footer."""
        for page in self._pages:
            self.__dict__.update(page)
            self._footer(len(self._pages))
            super().showPage()
        super().save()

    def _footer(self, count: int) -> None:
        width = self._pagesize[0]
        self.setStrokeColor(COLOURS["grid"])
        self.setLineWidth(0.5)
        self.line(_EDGE, _BASE + 12, width - _EDGE, _BASE + 12)
        self.setFillColor(COLOURS["banner"])
        self.setFont(BOLD, 8)
        self.drawString(_EDGE, _BASE, DISCLAIMER)
        self.setFillColor(COLOURS["quiet"])
        self.setFont(FONT, 8)
        self.drawRightString(width - _EDGE, _BASE, f"Page {self._pageNumber} of {count}")


class _Info(PDFInfo):
    """The title and what made the file, and nothing else: no author, no time."""

    def format(self, document: Any) -> Any:  # noqa: ANN401 - reportlab has no types
        known = {"Title": PDFString(self.title), "Producer": PDFString(f"brainseg {__version__}, ReportLab")}
        return PDFDictionary(known).format(document)
