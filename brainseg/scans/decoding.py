"""Decode bytes to a loaded Pillow image; only errors of the decoder become a message about a damaged file."""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin  # noqa: F401

from brainseg.errors import ScanError
from brainseg.scans.structure import MAX_PIXELS, gif_pages, structure_fault, tiff_pages

MAX_SIDE = 20_000

_SIZE_RULE = f"brainseg reads at most {MAX_PIXELS // 10**6} megapixels and {MAX_SIDE:,} pixels per side"

_ORIENTATION = 0x0112

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decoded:
    """A file decoded by Pillow.

    Attributes:
        image: The loaded image.
        source_format: As in `Scan`.
        mode: As in `Scan`; loading may change the mode of `image`.
        size: (width, height) as stored.
        pages: Number of images in the file.
        orientation: EXIF orientation that must still be applied to the pixels.
        turned: Orientation that Pillow has already applied, as it does to a TIFF; 1 for none.
        notes: Warnings.
    """

    image: Image.Image
    source_format: str
    mode: str
    size: tuple[int, int]
    pages: int
    orientation: int
    turned: int
    notes: tuple[str, ...]


@contextmanager
def lack_of_memory_as_scan_error(shown: str) -> Iterator[None]:
    """Turn a `MemoryError` into a `ScanError`."""
    try:
        yield
    except MemoryError as error:
        raise ScanError(f"{shown} needs more memory than this machine has free.") from error


@contextmanager
def _damage_as_scan_error(shown: str, source_format: str) -> Iterator[None]:
    """Turn any error of a decoder on damaged data (OSError, SyntaxError, struct.error, …) into a `ScanError`."""
    try:
        with lack_of_memory_as_scan_error(shown):
            yield
    except ScanError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # the latter under -W error
        raise ScanError(f"{shown} is too large: {_SIZE_RULE}.") from error
    except Exception as error:
        _log.debug("%s cannot be decoded as %s.", shown, source_format, exc_info=True)
        if "MAX_TEXT" in str(error):  # Pillow's own limit on compressed text in a PNG
            raise ScanError(
                f"{shown} contains notes that unpack to a huge text: save it again without notes."
            ) from error
        raise _damaged(shown, source_format) from error


def _damaged(shown: str, source_format: str) -> ScanError:
    return ScanError(f"{shown} is damaged or incomplete ({source_format}): copy or export it again.")


def decode(data: bytes, source_format: str, shown: str) -> Decoded:
    """Decode a file with Pillow, after checking that its structure is harmless."""
    try:
        reason = structure_fault(data, source_format)
    except struct.error as error:
        raise _damaged(shown, source_format) from error
    if reason:
        raise ScanError(f"{shown} {reason}: save it again as a plain PNG.")
    with _damage_as_scan_error(shown, source_format):
        image = Image.open(io.BytesIO(data), formats=(source_format,))
    _check_size(image, shown)
    with _damage_as_scan_error(shown, source_format):
        mode, size, pages = image.mode, _stored_size(image), _pages(image, data)
        turned = getattr(image, "tag_v2", {}).get(_ORIENTATION, 1)  # Pillow turns a TIFF and drops the tag
        image.load()
    _check_size(image, shown)
    orientation, notes = _orientation(image)
    return Decoded(image, source_format, mode, size, pages, orientation, turned, notes)


def _pages(image: Image.Image, data: bytes) -> int:
    """Count the images in a file; Pillow's own count would parse every page of a TIFF and every block of a GIF."""
    if not getattr(image, "is_animated", False):
        return 1
    count = {"TIFF": tiff_pages, "GIF": gif_pages}.get(image.format or "")
    return max(2, count(data) if count else int(getattr(image, "n_frames", 2)))


def _orientation(image: Image.Image) -> tuple[int, tuple[str, ...]]:
    try:
        return image.getexif().get(_ORIENTATION, 1), ()
    except Exception:  # damaged EXIF data is no reason to refuse a readable image
        return 1, ("Its EXIF orientation is damaged; it is shown as stored.",)


def _check_size(image: Image.Image, shown: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ScanError(f"{shown} is too large ({width:,} x {height:,} pixels): {_SIZE_RULE}.")


def _stored_size(image: Image.Image) -> tuple[int, int]:
    # Pillow reports the size of a TIFF with its orientation already applied, of all other formats as stored.
    turned = getattr(image, "tag_v2", {}).get(_ORIENTATION) in (5, 6, 7, 8)
    return image.size[::-1] if turned else image.size
