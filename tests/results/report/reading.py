"""Reads back what a report says: the text of a PDF as a viewer would copy it, and that of an HTML page."""

from __future__ import annotations

import base64
import re
import zlib
from html.parser import HTMLParser

OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
SHOWN = re.compile(rb"/(F[\d+]+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj", re.DOTALL)
ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Pdf:
    """The pages of a PDF as reportlab writes it: each object once, and fonts with a map to Unicode."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.objects = {int(number): body for number, body in OBJECT.findall(content)}

    @property
    def pages(self) -> list[str]:
        """The text of each page, in the order in which it was written."""
        (tree,) = (body for body in self.objects.values() if b"/Type /Pages" in body)
        kids = re.search(rb"/Kids \[(.*?)\]", tree, re.DOTALL)[1]
        return [self._text(self.objects[int(number)]) for number in re.findall(rb"(\d+) 0 R", kids)]

    @property
    def information(self) -> dict[str, str]:
        """What the file says of itself, without its pages."""
        number = re.search(rb"/Info (\d+) 0 R", self.content)[1]
        found = re.findall(rb"/(\w+) \((.*?)\)", self.objects[int(number)])
        return {name.decode(): value.decode("latin-1") for name, value in found}

    def embedded(self) -> set[str]:
        """Return the names of the fonts that are in the file."""
        described = [body for body in self.objects.values() if b"/FontFile2" in body]
        return {re.search(rb"/FontName /\w+\+([\w-]+)", body)[1].decode() for body in described}

    def streams(self) -> bytes:
        """Return all streams, unpacked, one after the other."""
        return b"\n".join(self._stream(body) for body in self.objects.values() if b"stream" in body)

    def _text(self, page: bytes) -> str:
        stream = self._stream(self.objects[self._number(page, b"Contents")])
        fonts = self._fonts(page)
        letters, words = {}, []
        for font, shown in SHOWN.findall(stream):
            if font:
                letters = fonts[font]
            else:
                words.append("".join(letters[code] for code in ESCAPE.sub(_unescaped, shown)))
        return "\n".join(words)

    def _fonts(self, page: bytes) -> dict[bytes, dict[int, str]]:
        listed = self.objects[self._number(page, b"Font")]
        found = {}
        for name, number in re.findall(rb"/(F[\d+]+) (\d+) 0 R", listed):
            font = self.objects[int(number)]
            if b"/ToUnicode" in font:
                table = self._stream(self.objects[self._number(font, b"ToUnicode")])
                pairs = re.findall(rb"^<([0-9A-F]{2})> <([0-9A-F]{4})>", table, re.MULTILINE)
                found[name] = {int(code, 16): chr(int(letter, 16)) for code, letter in pairs}
        return found

    @staticmethod
    def _number(body: bytes, name: bytes) -> int:
        return int(re.search(rb"/" + name + rb" (\d+) 0 R", body)[1])

    @staticmethod
    def _stream(body: bytes) -> bytes:
        head, _, rest = body.partition(b"stream")
        data = rest.rpartition(b"endstream")[0].strip()
        if b"ASCII85Decode" in head:
            data = base64.a85decode(data.removesuffix(b"~>"))
        return zlib.decompress(data) if b"FlateDecode" in head else data


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if len(code) == 3 else NAMED.get(code, code)


class Page(HTMLParser):
    """The parts of an HTML page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))
        self._style = tag == "style"

    def handle_endtag(self, tag) -> None:
        self._style = False

    def handle_data(self, data) -> None:
        if not self._style:
            self.words.append(data)


def squeezed(text: str) -> str:
    """Return a text without spaces, as lines break at them."""
    return "".join(text.split())
