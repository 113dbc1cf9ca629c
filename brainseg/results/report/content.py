"""What a report says, whatever file it becomes: `pdf` and `html` write the same content."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
"""RGB, 0..255 each."""


@dataclass(frozen=True)
class Text:
    """A paragraph: one or several sentences."""

    words: str
    kind: Literal["plain", "strong", "note"] = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names with their values; values that are hashes have letters of equal width.

    Attributes:
        rows: (name, value).
        hashes: Names of those whose value is a hash.
    """

    rows: tuple[tuple[str, str], ...]
    hashes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Table:
    """A table with one line of headings.

    Attributes:
        head: The headings.
        rows: The cells.
        widths: Width of each column, as a share of their sum.
        numbers: Columns whose cells are numbers, which end at the right.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Legend:
    """The colours of outlines and what they stand for."""

    entries: tuple[tuple[Colour, str], ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """An image.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        caption: One line, shown below it.
        alt: What it shows, for readers who do not see it.
    """

    pixels: NDArray[np.uint8]
    caption: str
    alt: str


@dataclass(frozen=True)
class Pictures:
    """Up to four images side by side, below a line on all of them ("" for none)."""

    pictures: tuple[Picture, ...]
    title: str = ""


@dataclass(frozen=True)
class Curve:
    """A value for each slice, drawn as a curve.

    Attributes:
        values: The values, which belong to the places 1, 2, ...; none is negative.
        across: What the places are.
        up: What the values are, with their unit.
        alt: What the curve shows, for readers who do not see it.
    """

    values: tuple[float, ...]
    across: str
    up: str
    alt: str


Block = Text | Bullets | Facts | Table | Legend | Pictures | Curve


@dataclass(frozen=True)
class Section:
    """A part of a report under its heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The report of one answer. It names no file, no folder and no person.

    Attributes:
        title: What it is about.
        subject: The image or volume, without anything that identifies a person.
        warnings: What makes the answer doubtful, most serious first; shown before the answer.
        lead: The answer in a few words.
        words: What follows it: the answer in full, and what the model was trained on.
        sections: The rest.
    """

    title: str
    subject: str
    warnings: tuple[str, ...]
    lead: str
    words: tuple[Text, ...]
    sections: tuple[Section, ...]


def shown(text: str) -> str:
    r"""Return a text as reports show it: on one line, and without characters that hide or reorder others.

    >>> shown("yes\n\u202egpj")
    'yes _gpj'
    """
    line = " ".join(text.split())
    return "".join("_" if unicodedata.category(letter)[0] == "C" else letter for letter in line)


def unbroken(text: str) -> str:
    """Return a text in which no line ends between a number and its percent sign."""
    return text.replace(" %", "\u00a0%")


def texts(report: Report) -> Iterator[str]:
    """Yield all that a report says, in its order and as it is shown; of a curve, what its axes are."""
    yield from map(shown, (report.title, report.subject, *report.warnings, report.lead))
    yield from (shown(each.words) for each in report.words)
    for section in report.sections:
        yield shown(section.title)
        for block in section.blocks:
            yield from map(shown, _words(block))


def _words(block: Block) -> Iterator[str]:
    match block:
        case Text():
            yield block.words
        case Bullets():
            yield from block.items
        case Facts():
            for row in block.rows:
                yield from row
        case Table():
            yield from block.head
            for cells in block.rows:
                yield from cells
        case Legend():
            yield from (name for _, name in block.entries)
        case Pictures():
            yield from filter(None, [block.title, *(picture.caption for picture in block.pictures)])
        case Curve():
            yield from (block.up, block.across)
