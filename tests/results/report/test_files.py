"""Reports as files: PDF and HTML say the same, carry the disclaimer, and hold nothing that they should not."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image

from brainseg import DISCLAIMER, __version__
from brainseg.results.report import chart
from brainseg.results.report.content import (
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
    texts,
)
from brainseg.results.report.html import html_text
from brainseg.results.report.pdf import pdf_bytes
from brainseg.results.report.volume_content import volume_report
from tests.results.report.conftest import CREATED, PERSON, SHAPE, answer_of
from tests.results.report.reading import Page, Pdf, squeezed

ODD = ("<b>bold</b> & \"co\" 'q' </p><script>alert(1)</script>", "Größe, λ, Ωμέγα, опухоль, ±5 µm²", "a\u202eb\x00c")
LONG = "Pneumonoultramicroscopic" * 12


def picture(red: int = 200) -> Picture:
    return Picture(np.full((40, 40, 3), (red, 10, 10), np.uint8), "A red square", f'Red "{red}"')


def report(**changes: object) -> Report:
    many = tuple((f"class {number}", f"{number}.25") for number in range(80))
    curve = Curve((0.0, 12.5, 40.0, 3.0), "Axial slice", "Marked area, mm²", "A curve")
    facts = {
        "title": "Report on a test",
        "subject": "PNG, 60 × 80 pixels",
        "warnings": ("It is not certain.", *ODD),
        "lead": "yes · 87.5 %",
        "words": (Text("Trained on tiny.", "strong"), Text(LONG)),
        "sections": (
            Section("Measurements", (Table(("Class", "Area"), many, (3, 1), frozenset({1})), Text("A note.", "note"))),
            Section("Images", (Legend((((86, 180, 233), ODD[1]),)), Pictures((picture(), picture(90)), "Two squares"))),
            Section("Curve", (curve, Bullets(("one", "two")))),
            Section("Hashes", (Facts((("SHA-256", "0123456789abcdef" * 4), (LONG, ODD[0])), frozenset({"SHA-256"})),)),
        ),
    }
    return Report(**{**facts, **changes})


@pytest.fixture(scope="module")
def two_reports(two, model) -> list[Report]:
    """One with everything that is odd, and a real one."""
    return [report(), volume_report(answer_of(two), model, CREATED)]


@pytest.fixture(scope="module")
def pdf(two_reports) -> Pdf:
    return Pdf(pdf_bytes(two_reports))


@pytest.fixture(scope="module")
def page(two_reports) -> Page:
    return Page(html_text(two_reports))


def footer(number: int, count: int) -> str:
    return squeezed(f"{DISCLAIMER}Page {number} of {count}")


def test_both_files_say_everything_in_the_same_order(two_reports, pdf, page):
    pages = pdf.pages
    body = "".join(
        squeezed(text).removesuffix(footer(number, len(pages))) for number, text in enumerate(pages, start=1)
    )
    for name, found in (("PDF", body), ("HTML", squeezed("".join(page.words)))):
        place = 0
        for text in (text for each in two_reports for text in texts(each)):
            start = found.find(squeezed(text), place)
            assert start >= 0, f"{name} lacks {text!r}, or has it at another place"
            place = start + len(squeezed(text))


def test_the_curve_is_drawn_with_the_same_words(two_reports, pdf, page):
    curves = [
        block for each in two_reports for part in each.sections for block in part.blocks if isinstance(block, Curve)
    ]
    for curve in curves:
        words = [shape.text for shape in chart.shapes_of(curve) if isinstance(shape, chart.Words)]
        assert len(words) > 6
        for found in ("\n".join(pdf.pages), "\n".join(page.words)):
            assert [word for word in words if word not in found] == []


def test_every_page_says_that_it_is_for_research_and_its_number(pdf):
    pages = [squeezed(text) for text in pdf.pages]

    assert len(pages) > 4
    assert all(text.endswith(footer(number, len(pages))) for number, text in enumerate(pages, start=1))


def test_a_long_table_goes_on_with_its_headings(pdf):
    pages = [squeezed(text) for text in pdf.pages]
    assert sum("ClassArea" in text for text in pages) >= 2


def test_each_report_starts_on_a_page_of_its_own(two_reports, pdf):
    start = squeezed(DISCLAIMER + two_reports[1].title)
    assert [squeezed(text).startswith(start) for text in pdf.pages].count(True) == 1


def test_the_pdf_tells_title_and_producer_only(pdf):
    assert pdf.information == {"Title": "Report on a test", "Producer": f"brainseg {__version__}, ReportLab"}
    assert b"/Lang (en)" in pdf.content


def test_the_fonts_are_in_the_pdf_and_have_the_letters(pdf):
    assert pdf.embedded() == {"DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"}
    assert b"/Type1" not in pdf.content, "no font that a viewer would have to have"
    said = squeezed("".join(pdf.pages))
    assert squeezed(ODD[1]) in said
    assert squeezed(LONG) in said, "a long word is divided and not lost"


def test_no_line_of_the_pdf_leaves_the_page(pdf):
    for stream in re.findall(rb"BT 1 0 0 1 ([\d.-]+)", pdf.streams()):
        assert float(stream) < 500


def test_markup_in_names_is_text(page):
    tags = {tag for tag, _ in page.tags}
    assert "script" not in tags
    assert "b" not in tags
    assert squeezed(ODD[0]) in squeezed("".join(page.words))


def test_characters_that_hide_or_reorder_others_are_replaced(pdf, page):
    for found in ("".join(pdf.pages), "".join(page.words)):
        assert "a_b_c" in found
        assert "\u202e" not in found


def test_the_page_loads_nothing_and_its_policy_allows_only_its_own_style(two_reports, page):
    text = html_text(two_reports)
    attributes = [found for _, found in page.tags]
    policy = next(each["content"] for each in attributes if each.get("http-equiv") == "Content-Security-Policy")
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert unescape(policy) == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in style
    assert "@import" not in style
    assert not any({"style", "href", "onload", "onerror"} & set(each) for each in attributes)
    assert all(each["src"].startswith("data:image/png;base64,") for each in attributes if "src" in each)


def test_the_page_is_readable_without_seeing_it(two_reports, page):
    images = [found for tag, found in page.tags if tag == "img"]
    pictures = [
        picture
        for each in two_reports
        for part in each.sections
        for block in part.blocks
        if isinstance(block, Pictures)
        for picture in block.pictures
    ]
    assert [each["alt"] for each in images] == [picture.alt for picture in pictures]
    drawn = [found for tag, found in page.tags if tag == "svg" and found.get("role") == "img"]
    assert drawn[0]["aria-label"] == "A curve"
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 2
    headings = [found for tag, found in page.tags if tag == "th"]
    assert headings
    assert {each["scope"] for each in headings} == {"col"}


def test_the_page_says_what_it_is_for_at_both_ends(page):
    words = [word.strip() for word in page.words if word.strip()]
    assert words[1] == words[-1] == DISCLAIMER  # after the title


def test_images_are_unchanged_and_carry_the_disclaimer(page):
    first = next(found["src"] for tag, found in page.tags if tag == "img")
    with Image.open(io.BytesIO(base64.b64decode(first.partition(",")[2]))) as image:
        assert image.text["Disclaimer"] == DISCLAIMER
        assert np.array_equal(np.asarray(image), picture().pixels)


def test_the_same_reports_give_the_same_bytes(two_reports, pdf):
    assert pdf_bytes(two_reports) == pdf.content
    assert html_text(two_reports) == html_text(two_reports)


def test_no_name_of_the_input_is_in_either_file(two, model, pdf):
    for mask in (two, np.zeros(SHAPE)):
        answer = answer_of(mask)
        assert PERSON in answer.volume.name
        made = [volume_report(answer, model, CREATED)]
        written = Pdf(pdf_bytes(made))
        everything = b"\n".join(
            [written.content, written.streams(), "".join(written.pages).encode(), html_text(made).encode()]
        )
        assert b"Planted" not in everything
        assert b"Measurements" in everything


def test_a_report_without_warnings_has_no_box(model):
    plain = report(warnings=())
    assert "Warning" not in "".join(Page(html_text([plain])).words)
    assert "Warning" not in "".join(Pdf(pdf_bytes([plain])).pages)


def test_curves_of_any_size_can_be_drawn():
    for values in ((0.0, 0.0), (5.0,) * 3, (1e-6, 2e-6), tuple(map(float, range(2000)))):
        shapes = chart.shapes_of(Curve(values, "place", "value", "a curve"))
        points = [place for each in shapes if not isinstance(each, chart.Words) for place in each.points]
        assert all(0 <= x <= chart.WIDTH and 0 <= y <= chart.HEIGHT for x, y in points)
        (line,) = [each for each in shapes if isinstance(each, chart.Line) and each.kind == "curve"]
        assert len(line.points) == len(values)
        heights = [-y for _, y in line.points]
        assert np.argsort(heights, kind="stable").tolist() == np.argsort(values, kind="stable").tolist()
