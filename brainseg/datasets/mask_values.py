"""Pixel values of mask files, read as stored: without the colouring and rounding that images need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from brainseg.datasets.sources import checked_path
from brainseg.errors import DataError
from brainseg.scans import display_name
from brainseg.scans.pixels import turn_upright
from brainseg.scans.reading import read_with

COLOUR = 1 << 24
"""A colour is a value from here on: COLOUR + 65,536 red + 256 green + blue."""
MOST_VALUE = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True, eq=False)
class MaskFile:
    """A mask as stored.

    Attributes:
        values: (H, W) numbers, upright by the file's own orientation: uint16, or float32 where they are fractions, or
            uint32 colours (see `COLOUR`); of a palette the index, of a black-and-white picture 0 and 255.
        sha256: Hash of the file's bytes, 64 hexadecimal digits.
        source_format: As of `Scan`; `size`, `orientation` and `pages` too.
        size: See there.
        orientation: See there.
        pages: See there.
    """

    values: np.ndarray
    sha256: str
    source_format: str
    size: tuple[int, int]
    orientation: int
    pages: int

    @property
    def coloured(self) -> bool:
        """Whether the values are colours."""
        return self.values.dtype == np.uint32

    @property
    def blurred(self) -> bool:
        """Whether the format changes values, as JPEG does, so that they define no classes."""
        return self.source_format == "JPEG"


def read_values(root: Path, path: str, colours: bool = False) -> MaskFile:
    """Read a mask's values; the file is decoded once.

    Args:
        root: The dataset's folder.
        path: The mask's path from there.
        colours: Read every picture as one of colours; by default only those in which the channels differ.

    Raises:
        ScanError: The file is no readable image.
        DataError: Its values are not from 0 to 65,535.
    """

    def look(image: Image.Image, orientation: int) -> np.ndarray:
        return turned(_colours(image, True) if colours else _values(image), orientation)

    scan, values = read_with(checked_path(root, path), look)
    if values.dtype != np.uint32 and not (np.nanmin(values) >= 0 and np.nanmax(values) <= MOST_VALUE):
        raise DataError(f"{scan.name} holds values outside 0 to 65,535: save masks with class numbers, or 0 and 255.")
    if values.dtype.kind == "f" and np.array_equal(values, np.rint(values)):
        values = values.astype(np.uint16)
    if values.dtype.kind != "f" and values.dtype != np.uint32:
        values = values.astype(np.uint16)
    return MaskFile(values, scan.sha256, scan.source_format, scan.size, scan.orientation, scan.pages)


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Return (H, W) values turned as an EXIF orientation from 1 to 8 demands."""
    return turn_upright(values[..., None], orientation)[..., 0] if orientation != 1 else values


def colour_name(value: int) -> str:
    """Return a colour as it is written in a `classes.csv`, such as #ff0000."""
    return f"#{value - COLOUR:06x}"


def shown_value(value: float) -> str:
    """Return a value of a mask as a sentence names it."""
    return colour_name(int(value)) if value >= COLOUR else f"{value:g}"


def refuse_odd_numbers(values: np.ndarray, name: str, how: str) -> None:
    """Refuse a mask whose values cannot be class numbers.

    Raises:
        DataError: It is a colour picture or holds fractions.
    """
    if values.dtype == np.uint32:
        raise DataError(f"{display_name(name)} is a colour image, not a mask: {how}.")
    if values.dtype.kind == "f":
        raise DataError(f"{display_name(name)} holds fractions: {how}.")


def _values(image: Image.Image) -> np.ndarray:
    """Return the values of a picture of any mode; colours where its channels differ."""
    if image.mode == "P":
        return _of_palette(image)
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8) * np.uint8(255)
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    return _colours(image, False)


def _of_palette(image: Image.Image) -> np.ndarray:
    """Return the index of each pixel, or 0 and 255 where the colours in use are black and white only."""
    indices = np.asarray(image)
    colours = np.asarray(image.convert("RGB"))
    if np.isin(np.unique(colours), (0, 255)).all() and (colours == colours[..., :1]).all():
        return colours[..., 0]
    return indices


def _colours(image: Image.Image, wanted: bool) -> np.ndarray:
    """Return the colours of a picture, or its greys if colours are not `wanted` and there are none."""
    blurred = image.format in ("JPEG", "MPO")
    if image.has_transparency_data:  # what is transparent is not marked
        planes = np.asarray(image.convert("RGBA")).astype(np.uint16)
        colours = ((planes[..., :3] * planes[..., 3:] + 127) // 255).astype(np.uint8)
    else:
        colours = np.asarray(image.convert("RGB"))
    differences = np.ptp(colours, axis=2) if colours.size else np.zeros(1)
    if not wanted and differences.max() <= (_BLUR if blurred else 0):
        return colours[..., 1]
    wide = colours.astype(np.uint32)
    return np.uint32(COLOUR) + (wide[..., 0] << 16) + (wide[..., 1] << 8) + wide[..., 2]


_BLUR = 8
"""By how much the channels of a grey picture may differ after JPEG."""
