"""Read a `Scan` from bytes or a path.

Only errors of a decoder become "this file is damaged". An error in brainseg itself is logged with the file's name and
the traceback, and raised unchanged.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

# Importing the plugins registers them here; otherwise Pillow registers them in the thread that reads the first file.
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin  # noqa: F401

from brainseg.errors import BrainsegError, ScanError
from brainseg.files import sha256_bytes
from brainseg.scans.burnt_text import SENTENCE, has_text
from brainseg.scans.decoding import Decoded, decode, lack_of_memory_as_scan_error
from brainseg.scans.foreign import HEAD, TEXT, foreign_kind
from brainseg.scans.names import display_name
from brainseg.scans.pixels import PixelError, Rendering, to_rgb, turn_upright
from brainseg.scans.scan import Scan

MAX_BYTES = 200 * 1024 * 1024
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".gif"})

_FORMATS = "PNG, JPEG, BMP, TIFF or GIF"
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
SEVERAL = "It contains several images; only the first is used."
Look = TypeVar("Look")
_log = logging.getLogger(__name__)


def read_scan(source: Path | bytes, name: str | None = None) -> Scan:
    """Read an image file: PNG, JPEG, BMP, TIFF or GIF, recognised by its content, not by its extension.

    Only the first image of an animation or of a file with several pages is read, with a warning. Safe to call from many
    threads: nothing global changes.

    Args:
        source: The file, or its content.
        name: Name for messages, if `source` is bytes or its path is not informative; only the base name is kept.

    Returns:
        The scan; see `Scan` for its fields and `to_rgb` for how pixels become 8-bit RGB.

    Raises:
        ScanError: The file is missing, unreadable, empty, larger than `MAX_BYTES`, of another format, larger than
            `MAX_PIXELS` or `MAX_SIDE`, damaged or incomplete. The message is one sentence that names the file.
    """
    return read_with(source, lambda _image, _orientation: None, name)[0]


def read_with(
    source: Path | bytes,
    look: Callable[[Image.Image, int], Look],
    name: str | None = None,
    *,
    search_text: bool = True,
) -> tuple[Scan, Look]:
    """Read an image file like `read_scan`, and call `look` on the decoded image, which is decoded only once.

    Args:
        source: The file, or its content.
        look: Called with the loaded Pillow image and the EXIF orientation, 1 to 8, that must still be applied.
        name: Name for messages, as for `read_scan`.
        search_text: Whether to search the pixels for text, which adds a warning.

    Returns:
        The scan, and the return value of `look`.

    Raises:
        ScanError: As for `read_scan`.
    """
    shown = display_name(name if name is not None else "upload" if isinstance(source, bytes) else Path(source).name)
    data = source if isinstance(source, bytes) else _read_bytes(Path(source), shown)
    if len(data) > MAX_BYTES:
        raise ScanError(_too_large_message(shown))
    source_format = _format(data, shown)
    try:
        decoded = decode(data, source_format, shown)
        with decoded.image, lack_of_memory_as_scan_error(shown):
            return _scan(decoded, data, shown, search_text), look(decoded.image, decoded.orientation)
    except BrainsegError:
        raise
    except Exception:
        _log.exception("Reading %s (%s, %d bytes) failed: an error in brainseg.", shown, source_format, len(data))
        raise


def read_pixels(source: Path, name: str | None = None) -> tuple[NDArray[np.uint8], str]:
    """Read only the pixels of an image file, as `read_scan` does, and the hash of its bytes.

    For files that were read as scans before: nothing is searched for text again.

    Raises:
        ScanError: As for `read_scan`.
    """
    scan, _ = read_with(source, lambda _image, _orientation: None, name, search_text=False)
    return scan.pixels, scan.sha256


def _read_bytes(path: Path, shown: str) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ScanError(f"{shown} is a folder: choose an image file in it.")
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device may never end
            raise ScanError(f"{shown} is not an ordinary file.")
        if status.st_size > MAX_BYTES:
            raise ScanError(_too_large_message(shown))
        with path.open("rb") as stream:
            return stream.read(status.st_size + 1)  # one byte more, to notice a file that grows; never up to the limit
    except FileNotFoundError as error:
        raise ScanError(f"{shown} does not exist.") from error
    except PermissionError as error:
        raise ScanError(f"You may not read {shown}: ask for permission to read it.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or "invalid file name"
        raise ScanError(f"{shown} cannot be opened ({reason}).") from error


def _too_large_message(shown: str) -> str:
    return f"{shown} is larger than {MAX_BYTES // 2**20} MB: export a single image from it."


def _format(data: bytes, shown: str) -> str:
    if not data:
        raise ScanError(f"{shown} is empty (0 bytes).")
    for signature, source_format in _SIGNATURES.items():
        if data.startswith(signature):
            return source_format
    if (kind := foreign_kind(data[:HEAD])) and kind != TEXT:
        raise ScanError(f"{shown} {kind.sentence}")
    raise ScanError(f"{shown} is not an image that brainseg reads: use {_FORMATS}.")


def _scan(decoded: Decoded, data: bytes, shown: str, search_text: bool) -> Scan:
    orientation, turned = decoded.orientation, decoded.turned
    drawn = _rendered(decoded.image, shown)
    pixels = turn_upright(drawn.pixels, orientation)
    pixels.flags.writeable = False
    several = (SEVERAL,) if decoded.pages > 1 else ()
    text = (SENTENCE,) if search_text and has_text(_first_channel(pixels)) else ()
    known = orientation if orientation in range(2, 9) else turned if turned in range(2, 9) else 1
    return Scan(
        pixels,
        shown,
        decoded.source_format,
        decoded.mode,
        decoded.size,
        sha256_bytes(data),
        warnings=several + decoded.notes + drawn.warnings + text,
        orientation=known,
        pages=decoded.pages,
        window=drawn.window,
        outliers=drawn.outliers,
        full_range=None if drawn.full_range is None else turn_upright(drawn.full_range, orientation),
    )


def _first_channel(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.extractChannel(pixels, 0), dtype=np.uint8)  # faster than a copy by NumPy


def _rendered(image: Image.Image, shown: str) -> Rendering:
    try:
        return to_rgb(image)
    except PixelError as error:
        raise ScanError(f"{shown} {error}.") from error
