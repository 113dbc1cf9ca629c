"""Reports as PDF: text that can be selected, in fonts that are in the file, and the disclaimer on every page."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image
from reportlab.graphics import shapes as drawn
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    HRFlowable,
    ListFlowable,
    ListItem,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus import Image as FlowableImage
from reportlab.platypus import Table as FlowableTable

from brainseg import DISCLAIMER
from brainseg.diagnosis.images import png_bytes
from brainseg.results.report import chart
from brainseg.results.report.content import (
    Block,
    Bullets,
    Curve,
    Facts,
    Legend,
    Pictures,
    Report,
    Table,
    Text,
    shown,
    unbroken,
)
from brainseg.results.report.pdf_canvas import NumberedCanvas
from brainseg.results.report.pdf_style import (
    BOX,
    CELLS,
    COLOURS,
    FACTS,
    FIGURES,
    FONT,
    STYLES,
    colour,
    register_fonts,
)

MARGIN, BOTTOM = 18 * mm, 20 * mm
WIDTH = A4[0] - 2 * MARGIN
"""Of the text, in points."""
_GAP = 3 * mm
_LARGEST = 62 * mm


def pdf_bytes(reports: Sequence[Report]) -> bytes:
    """Return reports as PDF, each from a new page on. The same reports give the same bytes."""
    register_fonts()
    stream = io.BytesIO()
    title = shown(reports[0].title)
    frame = Frame(MARGIN, BOTTOM, WIDTH, A4[1] - MARGIN - BOTTOM, 0, 0, 0, 0)
    document = BaseDocTemplate(
        stream, pagesize=A4, pageTemplates=[PageTemplate(frames=[frame])], title=title, lang="en", invariant=1,
        displayDocTitle=True, initialFontName=FONT,
    )  # fmt: skip
    story: list[Flowable] = []
    for number, report in enumerate(reports):
        story += [PageBreak()] if number else []
        story += _story(report)
    document.build(story, canvasmaker=NumberedCanvas)
    return stream.getvalue()


def _story(report: Report) -> Iterator[Flowable]:
    yield _paragraph(DISCLAIMER, "banner")
    yield _paragraph(report.title, "title")
    yield _paragraph(report.subject, "subject")
    if report.warnings:
        lines = [_paragraph("Warnings" if len(report.warnings) > 1 else "Warning", "box_title")]
        lines += [_paragraph(each, "box") for each in report.warnings]
        yield FlowableTable([[line] for line in lines], colWidths=[WIDTH], style=BOX, spaceAfter=8)
    yield _paragraph(report.lead, "lead")
    for each in report.words:
        yield _paragraph(each.words, each.kind)
    for section in report.sections:
        yield _paragraph(section.title, "heading")
        yield _rule()
        for block in section.blocks:
            yield from _flowables(block)


def _flowables(block: Block) -> Iterator[Flowable]:
    for kind, make in _MAKERS.items():
        if isinstance(block, kind):
            yield from make(block)


def _text(block: Text) -> Iterator[Flowable]:
    yield _paragraph(block.words, block.kind)


def _bullets(block: Bullets) -> Iterator[Flowable]:
    items = [ListItem(_paragraph(item, "item"), leftIndent=12) for item in block.items]
    yield ListFlowable(items, bulletType="bullet", start="•", bulletFontName=FONT, bulletFontSize=8, leftIndent=12)


def _facts(block: Facts) -> Iterator[Flowable]:
    rows = [
        [_paragraph(name, "name"), _paragraph(value, "hash" if name in block.hashes else "cell")]
        for name, value in block.rows
    ]
    yield FlowableTable(rows, colWidths=[0.3 * WIDTH, 0.7 * WIDTH], style=FACTS, spaceBefore=2, spaceAfter=6)


def _table(block: Table) -> Iterator[Flowable]:
    widths = [WIDTH * width / sum(block.widths) for width in block.widths]
    head = [
        _paragraph(cell, "number_head" if place in block.numbers else "head") for place, cell in enumerate(block.head)
    ]
    rows = [
        [_paragraph(cell, "number" if place in block.numbers else "cell") for place, cell in enumerate(row)]
        for row in block.rows
    ]
    yield FlowableTable([head, *rows], colWidths=widths, style=CELLS, repeatRows=1, spaceBefore=2, spaceAfter=8)


def _legend(block: Legend) -> Iterator[Flowable]:
    entries = [f'<font color="{colour(rgb).hexval()}">■</font> {escape(shown(name))}' for rgb, name in block.entries]
    yield Paragraph("Outlines: " + " &nbsp; ".join(entries), STYLES["legend"])


def _pictures(block: Pictures) -> Iterator[Flowable]:
    count = max(3, len(block.pictures))
    side = min((WIDTH - (count - 1) * _GAP) / count, _LARGEST)
    images: list[Any] = []
    captions: list[Any] = []
    for picture in block.pictures:
        stream = io.BytesIO(png_bytes(Image.fromarray(picture.pixels)))
        images += [FlowableImage(stream, side, side), ""]
        captions += [_paragraph(picture.caption, "caption"), ""]
    widths = [side, _GAP] * len(block.pictures)
    row = FlowableTable([images, captions], colWidths=widths, style=FIGURES, hAlign="LEFT", spaceAfter=6)
    if block.title:
        yield _paragraph(block.title, "strong")
    yield row


def _curve(block: Curve) -> Iterator[Flowable]:
    scale = WIDTH / chart.WIDTH
    drawing = drawn.Drawing(WIDTH, chart.HEIGHT * scale, initialFontName=FONT)
    group = drawn.Group(transform=(scale, 0, 0, -scale, 0, chart.HEIGHT * scale))
    words = drawn.Group()
    for shape in chart.shapes_of(block):
        if isinstance(shape, chart.Words):
            x, y = shape.place[0] * scale, (chart.HEIGHT - shape.place[1]) * scale
            words.add(
                drawn.String(
                    x, y, shown(shape.text), fontName=FONT, fontSize=8, fillColor=COLOURS["quiet"],
                    textAnchor=shape.anchor,
                )
            )  # fmt: skip
            continue
        points = [number for point in shape.points for number in point]
        if isinstance(shape, chart.Area):
            group.add(drawn.Polygon(points, fillColor=COLOURS["area"], strokeColor=None))
        else:
            width = 1.4 if shape.kind == "curve" else 0.5
            group.add(drawn.PolyLine(points, strokeColor=COLOURS[shape.kind], strokeWidth=width))
    drawing.add(group)
    drawing.add(words)
    yield drawing
    yield Spacer(1, 4)


def _rule() -> Flowable:
    rule = HRFlowable(width="100%", thickness=0.6, color=COLOURS["grid"], spaceBefore=0, spaceAfter=5)
    rule.keepWithNext = 1
    return rule


def _paragraph(words: str, style: str) -> Flowable:
    """Return a paragraph of plain text; nothing in it is taken for markup."""
    return Paragraph(escape(unbroken(shown(words))), STYLES[style])


_MAKERS: dict[type, Callable[[Any], Iterator[Flowable]]] = {
    Text: _text,
    Bullets: _bullets,
    Facts: _facts,
    Table: _table,
    Legend: _legend,
    Pictures: _pictures,
    Curve: _curve,
}
"""Kind of a block -> the function that lays it out."""
