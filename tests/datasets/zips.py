"""Zip files for tests, harmless and hostile."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def png(shade: int = 100) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((40, 40), shade, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def make_zip(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    stream.seek(0)
    return stream


def images(prefix: str = "", count: int = 3) -> dict[str, bytes]:
    """A few images of two classes, all with different bytes."""
    return {
        f"{prefix}{label}/{number}.png": png(20 + 60 * side + number)
        for side, label in enumerate(("no", "yes"))
        for number in range(count)
    }


def of_kind(name: str, kind: int, content: bytes = b"/etc/passwd") -> io.BytesIO:
    """A zip file with one entry that says it is a link, a device or a pipe."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    stream = make_zip(images())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(entry, content)
    stream.seek(0)
    return stream


def renamed(stream: io.BytesIO, old: bytes, new: bytes) -> io.BytesIO:
    """Overwrite an entry's name with another of the same length, which no library does."""
    assert len(old) == len(new)
    assert old in stream.getvalue()
    return io.BytesIO(stream.getvalue().replace(old, new))


def flagged(stream: io.BytesIO, flag: int) -> io.BytesIO:
    """Set a flag on every entry, in both of its headers."""
    data = bytearray(stream.getvalue())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= flag
            at = data.find(mark, at + 4)
    return io.BytesIO(bytes(data))


def save(stream: io.BytesIO, file: Path) -> Path:
    file.write_bytes(stream.getvalue())
    return file


LINK, PIPE, DEVICE = stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR
