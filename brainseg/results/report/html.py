"""Reports as one HTML file that loads nothing: images are in it, and its policy forbids everything else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from PIL import Image

from brainseg import DISCLAIMER
from brainseg.diagnosis.images import png_bytes
from brainseg.results.report import chart
from brainseg.results.report.content import (
    Block,
    Bullets,
    Curve,
    Facts,
    Legend,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
    Text,
    shown,
    unbroken,
)
from brainseg.results.report.html_style import STYLE


def html_text(reports: Sequence[Report]) -> str:
    """Return reports as an HTML page, each as an article. The same reports give the same text."""
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    # Only this one style sheet counts, and only images that are in the file: no script, no request to anywhere.
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    notice = _text(DISCLAIMER)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(reports[0].title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<div class="sheet">\n<header><p class="notice">{notice}</p></header>\n'
        f"<main>\n{''.join(map(_article, reports))}</main>\n"
        f'<footer><p class="notice">{notice}</p></footer>\n</div>\n</body>\n</html>\n'
    )


def _article(report: Report) -> str:
    warnings = ""
    if report.warnings:
        title = "Warnings" if len(report.warnings) > 1 else "Warning"
        items = "".join(f"<p>{_text(each)}</p>" for each in report.warnings)
        warnings = f'<section class="warnings"><h2>{title}</h2>{items}</section>\n'
    words = "\n".join(map(_paragraph, report.words))
    sections = "".join(map(_section, report.sections))
    return (
        f'<article>\n<h1>{_text(report.title)}</h1>\n<p class="subject">{_text(report.subject)}</p>\n{warnings}'
        f'<p class="lead">{_text(report.lead)}</p>\n{words}\n{sections}</article>\n'
    )


def _section(section: Section) -> str:
    blocks = "\n".join(map(_block, section.blocks))
    return f"<section>\n<h2>{_text(section.title)}</h2>\n{blocks}\n</section>\n"


def _block(block: Block) -> str:
    return next(make(block) for kind, make in _MAKERS.items() if isinstance(block, kind))


def _paragraph(block: Text) -> str:
    kind = "" if block.kind == "plain" else f' class="{block.kind}"'
    return f"<p{kind}>{_text(block.words)}</p>"


def _bullets(block: Bullets) -> str:
    return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in block.items)}</ul>"


def _facts(block: Facts) -> str:
    def value(name: str, words: str) -> str:
        return f"<code>{_text(words)}</code>" if name in block.hashes else _text(words)

    rows = "".join(f"<div><dt>{_text(name)}</dt><dd>{value(name, words)}</dd></div>" for name, words in block.rows)
    return f"<dl>{rows}</dl>"


def _table(block: Table) -> str:
    def cell(tag: str, place: int, words: str) -> str:
        kind = ' class="number"' if place in block.numbers else ""
        scope = ' scope="col"' if tag == "th" else ""
        return f"<{tag}{scope}{kind}>{_text(words)}</{tag}>"

    head = "".join(cell("th", place, words) for place, words in enumerate(block.head))
    rows = "".join(
        f"<tr>{''.join(cell('td', place, words) for place, words in enumerate(row))}</tr>" for row in block.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _legend(block: Legend) -> str:
    entries = " ".join(
        '<span class="entry"><svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" '
        f'fill="rgb({red},{green},{blue})"/></svg> {_text(name)}</span>'
        for (red, green, blue), name in block.entries
    )
    return f'<p class="legend">Outlines: {entries}</p>'


def _pictures(block: Pictures) -> str:
    title = f'<p class="strong">{_text(block.title)}</p>' if block.title else ""
    return f'<div class="group">{title}<div class="pictures">{"".join(map(_figure, block.pictures))}</div></div>'


def _figure(picture: Picture) -> str:
    data = base64.b64encode(png_bytes(Image.fromarray(picture.pixels))).decode()
    height, width = picture.pixels.shape[:2]
    return (
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{_text(picture.alt)}"><figcaption>{_text(picture.caption)}</figcaption></figure>'
    )


def _curve(block: Curve) -> str:
    drawn = "".join(map(_shape, chart.shapes_of(block)))
    return (
        f'<svg class="curve" viewBox="0 0 {chart.WIDTH:g} {chart.HEIGHT:g}" role="img" aria-label="{_text(block.alt)}">'
        f"{drawn}</svg>"
    )


def _shape(shape: chart.Shape) -> str:
    if isinstance(shape, chart.Words):
        x, y = shape.place
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{shape.anchor}">{_text(shape.text)}</text>'
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
    if isinstance(shape, chart.Area):
        return f'<polygon class="area" points="{points}"/>'
    return f'<polyline class="{shape.kind}" points="{points}"/>'


def _text(words: str) -> str:
    """Return a text that is shown as it is, also within an attribute."""
    return escape(unbroken(shown(words)), quote=True)


_MAKERS: dict[type, Callable[[Any], str]] = {
    Text: _paragraph,
    Bullets: _bullets,
    Facts: _facts,
    Table: _table,
    Legend: _legend,
    Pictures: _pictures,
    Curve: _curve,
}
"""Kind of a block -> the function that writes it."""
