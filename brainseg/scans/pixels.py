"""Pillow images of any mode as upright 8-bit RGB, in bands of rows so that the copies in between stay small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BAND = 1 << 20  # pixels a band
_NON_FINITE = "{count:,} of its values are not numbers or infinite; they are shown as black (infinite: white)."


class PixelError(ValueError):
    """The pixels have no rendering in 8 bits; the text says why, to go after the file's name in a sentence."""


def to_rgb(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return a loaded image as RGB, and what the user should know about it.

    8-bit values pass through unchanged. Grey of more than 8 bits (modes I;16, I and F) is stretched linearly from its
    smallest and largest finite value to 0..255; a constant image becomes 0. Colour of 16 bits a channel keeps its high
    byte (Pillow's decoders do that). Transparent pixels are blended over black, the background of an MRI.

    Args:
        image: Decoded, of any mode that Pillow converts to RGB.

    Returns:
        Pixels, (H, W, 3) uint8, C-contiguous; and the warnings.

    Raises:
        PixelError: There is no finite value at all.
    """
    wide = image.mode[0] in "IF"
    window, odd = _window(image) if wide else ((0.0, 0.0), 0)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, band in _bands(image):
        pixels[top : top + band.height] = _stretch(np.asarray(band), *window)[..., None] if wide else _colours(band)
    return pixels, (_NON_FINITE.format(count=odd),) if odd else ()


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return (H, W, 3) `pixels` turned as EXIF orientation 1 to 8 demands, C-contiguous; any other value means 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _colours(band: Image.Image) -> NDArray[np.uint8]:
    if not band.has_transparency_data:
        return np.asarray(band.convert("RGB"))
    values = np.asarray(band.convert("RGBA")).astype(np.uint16)
    return ((values[..., :3] * values[..., 3:] + 127) // 255).astype(np.uint8)


def _window(image: Image.Image) -> tuple[tuple[float, float], int]:
    """Return the smallest and largest finite value, and how many values are not finite."""
    low, high, odd = np.inf, -np.inf, 0
    for _, band in _bands(image):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        odd += values.size - finite.size
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise PixelError("holds no number at all, only gaps (NaN or infinite): export it again")
    return (low, high), odd


def _stretch(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    if low == high:
        # Only an infinite value can differ from the one finite value that there is.
        return np.where(values == np.inf, 255, 0).astype(np.uint8)
    unit = (np.clip(values.astype(np.float64), low, high) - low) / (high - low)
    return np.rint(np.nan_to_num(unit, nan=0.0) * 255).astype(np.uint8)
