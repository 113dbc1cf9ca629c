"""Detect files that are built to exhaust a decoder, by reading their headers before decoding.

A limit on pixels is not enough. Pillow 13 needs 25 s and 1.5 GB for a TIFF of 24 MB that lists 6 million strips, 1.5 GB
for one of 1.5 MB with a tile of 40,000 x 40,000 around an image of 16 x 16, and 18 s for a JPEG of 180 kB with 2,000
scans. The functions below only read lengths and counts, and stop at their limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import unpack_from

MAX_PIXELS = 25_000_000  # in an image, and in one tile of a TIFF
MAX_PARTS = 100_000  # chunks of a PNG or segments of a JPEG; chunks of the usual 8 kB add up to 800 MB
MAX_METADATA = 16 * 1024 * 1024  # bytes of a PNG besides its pixels
MAX_EXIF = 1024 * 1024  # bytes of EXIF in a JPEG; one segment has at most 64 kB
MAX_PASSES = 100  # scans of a progressive JPEG; encoders make about 10
MAX_NUMBERS = 200_000  # numbers in the tags of a TIFF; with one strip per row, it has 2 per row
# Bytes of a GIF or of a run-length encoded BMP, both of which Pillow reads in Python.
MAX_BLOCKWISE = {"GIF": 48 * 1024 * 1024, "BMP": 8 * 1024 * 1024}

MAX_PAGES = 10_000  # most pages of a TIFF or a GIF that are counted
MAX_STEPS = 1_000_000  # most blocks of a GIF that are read to count its images

_PARTS = "consists of too many parts"
_TAG_SIZES = {3: 2, 4: 4, 5: 8, 6: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_DIRECTORIES = frozenset({330, 34665, 34853, 40965})  # SubIFDs, EXIF, GPS, interoperability


def structure_fault(data: bytes, source_format: str) -> str | None:
    """Return what is wrong with a file's structure, as words that follow its name, or None.

    Args:
        data: The whole file.
        source_format: "PNG", "JPEG", "BMP", "TIFF" or "GIF".

    Raises:
        struct.error: The file ends inside its headers.
    """
    return _WALKERS[source_format](data)


def _png(data: bytes) -> str | None:
    position, metadata = 8, 0
    for _ in range(MAX_PARTS):
        if position + 8 > len(data):
            return None  # incomplete: the decoder reports it
        length, kind = unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return None
        metadata += min(length, len(data) - position) if kind not in (b"IDAT", b"fdAT") else 0
        if metadata > MAX_METADATA:
            return f"contains more than {MAX_METADATA >> 20} MB besides its pixels"
        position += 12 + length
    return _PARTS


def _jpeg(data: bytes) -> str | None:
    position, exif = 2, 0
    for _ in range(MAX_PARTS):
        position = data.find(b"\xff", position)
        if position < 0 or position + 4 > len(data):
            return None
        marker, length = unpack_from(">xBH", data, position)
        if marker == 0xDA:  # start of scan: the header ends
            too_many = data.count(b"\xff\xda", position) > MAX_PASSES
            return f"stores its pixels in more than {MAX_PASSES} passes" if too_many else None
        if marker in (0x00, 0xFF):  # padding
            position += 1
        elif 0xD0 <= marker <= 0xD9 or marker == 0x01:  # markers without content
            position += 2
        else:
            exif += length if data.startswith(b"Exif", position + 4) else 0
            position += 2 + length
        if exif > MAX_EXIF:
            return f"contains more than {MAX_EXIF >> 20} MB of EXIF data"
    return _PARTS


def _tiff(data: bytes) -> str | None:
    order = "<" if data.startswith(b"II") else ">"
    big = unpack_from(order + "H", data, 2)[0] == 43
    waiting, seen = [unpack_from(order + ("8xQ" if big else "4xI"), data)[0]], set()
    numbers, volume, tile = 0, 0, {_TILE_WIDTH: 0, _TILE_LENGTH: 0}
    while waiting:
        offset = waiting.pop()
        if offset in seen:
            continue
        seen.add(offset)
        for tag, kind, count, value in _tags(data, offset, order, big):
            amount = count * _TAG_SIZES.get(kind, 1)
            fits = amount <= len(data)  # Pillow skips a tag that does not fit
            numbers += 1 + (count if fits and kind in _TAG_SIZES else 0)
            volume += amount if fits else 0
            if numbers > MAX_NUMBERS or volume > len(data):  # many tags may share the same large block
                return _PARTS
            if tag in tile:  # Pillow and libtiff read a repeated tag differently
                tile[tag] = max(value, tile[tag])
            if tag in _DIRECTORIES and count == 1:
                waiting.append(value)
    too_large = tile[_TILE_WIDTH] * tile[_TILE_LENGTH] > MAX_PIXELS
    return f"has tiles of more than {MAX_PIXELS // 10**6} megapixels" if too_large else None


def _tags(data: bytes, offset: int, order: str, big: bool) -> Iterator[tuple[int, int, int, int]]:
    """Yield (tag, type, count, first value if it is an integer stored in place) for each tag in a TIFF directory."""
    head, entry, size = ("Q", "HHQ", 20) if big else ("H", "HHI", 12)
    start = offset + (8 if big else 2)
    if start > len(data):
        return
    # A directory that extends past the end of the file is read up to the end, as in Pillow.
    amount = min(unpack_from(order + head, data, offset)[0], (len(data) - start) // size)
    for position in range(start, start + amount * size, size):
        tag, kind, count = unpack_from(order + entry, data, position)
        letter = {1: "B", 3: "H", 8: "H", 16: "Q" if big else "I", 17: "Q" if big else "I"}.get(kind, "I")
        yield tag, kind, count, unpack_from(order + letter, data, position + (12 if big else 8))[0]


def tiff_pages(data: bytes) -> int:
    """Return how many pages a TIFF has, at most `MAX_PAGES`; counting stops at a page that repeats.

    Raises:
        struct.error: The file ends inside its headers.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = unpack_from(order + "H", data, 2)[0] == 43
    head, size, link = ("Q", 20, "Q") if big else ("H", 12, "I")
    offset, seen = unpack_from(order + ("8xQ" if big else "4xI"), data)[0], set[int]()
    while offset and offset not in seen and len(seen) < MAX_PAGES and offset + (8 if big else 2) <= len(data):
        seen.add(offset)
        after = offset + (8 if big else 2) + unpack_from(order + head, data, offset)[0] * size
        offset = unpack_from(order + link, data, after)[0] if after + (8 if big else 4) <= len(data) else 0
    return len(seen)


def gif_pages(data: bytes) -> int:
    """Return how many images a GIF has; counting stops after `MAX_PAGES` images, `MAX_STEPS` blocks or at the end."""
    flags = data[10] if len(data) > 10 else 0
    position, pages, inside = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0), 0, False
    for _ in range(MAX_STEPS):
        if position + 10 > len(data) or pages == MAX_PAGES:
            break
        if inside:  # data blocks, each preceded by its length; an empty one ends them
            inside = data[position] > 0
            position += 1 + data[position]
        elif data[position] == 0x21:  # extension
            position, inside = position + 2, True
        elif data[position] == 0x2C:  # image, with or without its own colour table
            flags, pages, inside = data[position + 9], pages + 1, True
            position += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:
            break
    return pages


def _gif(data: bytes) -> str | None:
    return f"is a GIF of more than {MAX_BLOCKWISE['GIF'] >> 20} MB" if len(data) > MAX_BLOCKWISE["GIF"] else None


def _bmp(data: bytes) -> str | None:
    packed = unpack_from("<I", data, 30)[0] in (1, 2) and unpack_from("<I", data, 14)[0] != 12
    too_large = packed and len(data) > MAX_BLOCKWISE["BMP"]
    return f"is a run-length encoded BMP of more than {MAX_BLOCKWISE['BMP'] >> 20} MB" if too_large else None


_WALKERS: dict[str, Callable[[bytes], str | None]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "TIFF": _tiff,
    "GIF": _gif,
    "BMP": _bmp,
}
