"""Fonts, colours and styles of reports as PDF."""

from __future__ import annotations

from functools import cache

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import TableStyle

from brainseg.diagnosis.fonts import font_file

FONT, BOLD, MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
"""Fonts that come with matplotlib; they have the letters of most languages."""
COLOURS = {
    "ink": HexColor("#1b2430"),
    "quiet": HexColor("#4a5565"),
    "grid": HexColor("#cfd6df"),
    "axis": HexColor("#8b95a3"),
    "curve": HexColor("#0b63a5"),
    "area": HexColor("#d9e8f5"),
    "head": HexColor("#eef2f6"),
    "warning": HexColor("#8a4b00"),
    "warning_back": HexColor("#fff6e5"),
    "warning_edge": HexColor("#e0a030"),
    "banner": HexColor("#7a1f1f"),
}


def colour(rgb: tuple[int, int, int]) -> Color:
    """Return a colour of 0..255 each."""
    return Color(*(value / 255 for value in rgb))


@cache
def register_fonts() -> None:
    """Make the fonts known to reportlab."""
    for name in (FONT, BOLD, MONO):
        pdfmetrics.registerFont(TTFont(name, str(font_file(name))))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _styles() -> dict[str, ParagraphStyle]:
    plain = ParagraphStyle(
        "plain", fontName=FONT, fontSize=9, leading=13, textColor=COLOURS["ink"], spaceAfter=4, splitLongWords=1
    )
    quiet = {"parent": plain, "textColor": COLOURS["quiet"]}
    cell = ParagraphStyle("cell", parent=plain, fontSize=8.5, leading=11.5, spaceAfter=0)
    head = ParagraphStyle("head", parent=cell, fontName=BOLD, fontSize=8)
    box = ParagraphStyle("box", parent=plain, textColor=COLOURS["warning"], spaceAfter=0)
    made = [
        plain,
        cell,
        head,
        box,
        ParagraphStyle("strong", parent=plain, fontName=BOLD, spaceBefore=3, keepWithNext=1),
        ParagraphStyle("note", fontSize=8, leading=11, **quiet),
        ParagraphStyle("legend", parent=plain, keepWithNext=1),
        ParagraphStyle("item", parent=plain, spaceAfter=2),
        ParagraphStyle("banner", parent=plain, fontName=BOLD, fontSize=9, textColor=COLOURS["banner"], spaceAfter=8),
        ParagraphStyle("title", parent=plain, fontName=BOLD, fontSize=18, leading=23, spaceAfter=2),
        ParagraphStyle("subject", spaceAfter=10, **quiet),
        ParagraphStyle("lead", parent=plain, fontName=BOLD, fontSize=13, leading=18, spaceAfter=6),
        ParagraphStyle(
            "heading",
            parent=plain,
            fontName=BOLD,
            fontSize=11.5,
            leading=15,
            spaceBefore=12,
            spaceAfter=3,
            keepWithNext=1,
        ),
        ParagraphStyle("box_title", parent=box, fontName=BOLD),
        ParagraphStyle("name", parent=cell, textColor=COLOURS["quiet"]),
        ParagraphStyle("hash", parent=cell, fontName=MONO, fontSize=7.5),
        ParagraphStyle("number", parent=cell, alignment=TA_RIGHT),
        ParagraphStyle("number_head", parent=head, alignment=TA_RIGHT),
        ParagraphStyle("caption", fontSize=8, leading=11, spaceAfter=0, **quiet),
    ]
    return {style.name: style for style in made}


STYLES = _styles()
_PADDING = [("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 3)]
# Without a font of their own, tables name Helvetica, which would not be in the file.
_TOP = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("FONTNAME", (0, 0), (-1, -1), FONT)]
CELLS = TableStyle(
    [
        *_PADDING,
        *_TOP,
        ("BACKGROUND", (0, 0), (-1, 0), COLOURS["head"]),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, COLOURS["grid"]),
    ]
)
FACTS = TableStyle(
    [*_PADDING, *_TOP, ("LEFTPADDING", (0, 0), (0, -1), 0), ("LINEBELOW", (0, 0), (-1, -1), 0.5, COLOURS["grid"])]
)
FIGURES = TableStyle(
    [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, 0), 2),
        ("TOPPADDING", (0, 1), (-1, 1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        *_TOP,
    ]
)
BOX = TableStyle(
    [
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, 0), 6),
        ("BOTTOMPADDING", (0, -1), (-1, -1), 7),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        *_TOP,
        ("BACKGROUND", (0, 0), (-1, -1), COLOURS["warning_back"]),
        ("LINEBEFORE", (0, 0), (0, -1), 3, COLOURS["warning_edge"]),
    ]
)
