"""Read the pixel values of mask files as stored, without the conversion to 8-bit RGB that images need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from brainseg.datasets.image_reading import checked_path
from brainseg.errors import DataError
from brainseg.scans import display_name
from brainseg.scans.pixels import turn_upright
from brainseg.scans.reading import read_with

COLOUR = 1 << 24
"""Offset of values that are colours: COLOUR + 65,536 red + 256 green + blue."""
MOST_VALUE = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True, eq=False)
class MaskFile:
    """A mask as stored.

    Attributes:
        values: (H, W) numbers, upright by the file's own orientation: uint16, or float32 for fractions, or uint32 for
            colours (see `COLOUR`); indices of palette images, 0 and 255 of black-and-white images.
        sha256: Hash of the file's bytes, 64 hexadecimal digits.
        source_format: As in `Scan`.
        size: As in `Scan`.
        orientation: As in `Scan`.
        pages: As in `Scan`.
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
        """Whether the format changes values, like JPEG; they then cannot be class numbers."""
        return self.source_format == "JPEG"


def read_values(root: Path, path: str, colours: bool = False) -> MaskFile:
    """Read a mask's values; the file is decoded once.

    Args:
        root: The dataset's folder.
        path: The mask's path relative to it.
        colours: Read every image as colours; by default only images whose channels differ.

    Raises:
        ScanError: The file is not a readable image.
        DataError: Its values are not from 0 to 65,535.
    """

    def look(image: Image.Image, orientation: int) -> np.ndarray:
        return turned(_colours(image, True) if colours else _values(image), orientation)

    scan, values = read_with(checked_path(root, path), look)
    if values.dtype != np.uint32 and not (np.nanmin(values) >= 0 and np.nanmax(values) <= MOST_VALUE):
        raise DataError(
            f"{scan.name} contains values outside 0 to 65,535: save masks with class numbers, or with 0 and 255."
        )
    if values.dtype.kind == "f" and np.array_equal(values, np.rint(values)):
        values = values.astype(np.uint16)
    if values.dtype.kind != "f" and values.dtype != np.uint32:
        values = values.astype(np.uint16)
    return MaskFile(values, scan.sha256, scan.source_format, scan.size, scan.orientation, scan.pages)


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation from 1 to 8 to (H, W) values."""
    return turn_upright(values[..., None], orientation)[..., 0] if orientation != 1 else values


def colour_name(value: int) -> str:
    """Return a colour as written in `classes.csv`, such as #ff0000."""
    return f"#{value - COLOUR:06x}"


def shown_value(value: float) -> str:
    """Return a mask value as text for messages."""
    return colour_name(int(value)) if value >= COLOUR else f"{value:g}"


def refuse_odd_numbers(values: np.ndarray, name: str, how: str) -> None:
    """Raise an error if the values of a mask cannot be class numbers.

    Raises:
        DataError: It is a colour image or contains fractions.
    """
    if values.dtype == np.uint32:
        raise DataError(f"{display_name(name)} is a colour image, not a mask: {how}.")
    if values.dtype.kind == "f":
        raise DataError(f"{display_name(name)} contains fractions: {how}.")


def _values(image: Image.Image) -> np.ndarray:
    """Return the values of an image of any mode; colours if its channels differ."""
    if image.mode == "P":
        return _of_palette(image)
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8) * np.uint8(255)
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    return _colours(image, False)


def _of_palette(image: Image.Image) -> np.ndarray:
    """Return the index of each pixel, or 0 and 255 if the used colours are only black and white."""
    indices = np.asarray(image)
    colours = np.asarray(image.convert("RGB"))
    if np.isin(np.unique(colours), (0, 255)).all() and (colours == colours[..., :1]).all():
        return colours[..., 0]
    return indices


def _colours(image: Image.Image, wanted: bool) -> np.ndarray:
    """Return the colours of an image, or its grey values if it has no colours and `wanted` is false."""
    blurred = image.format in ("JPEG", "MPO")
    if image.has_transparency_data:  # transparent pixels are not marked
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
"""Largest difference between the channels of a grey image after JPEG compression."""
