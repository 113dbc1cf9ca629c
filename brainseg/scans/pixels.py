"""Convert Pillow images of any mode to upright 8-bit RGB, in bands of rows to keep intermediate copies small."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BAND = 1 << 20  # pixels per band
_SAMPLE = 1 << 20  # most pixels used to find a window
_PADDING = 0.01  # the smallest value is padding if at least this proportion of pixels has it
_BLACK, _TOP, _WHITE = 0.005, 0.999, 0.998
_BACKGROUND = 0.1
_FAR = 1.0
_NON_FINITE = "{count:,} of its values are infinite or not numbers; they are shown as black (infinite: white)."


class PixelError(ValueError):
    """The pixels cannot be converted to 8 bits; the text gives the reason and follows the file's name."""


@dataclass(frozen=True)
class Rendering:
    """An image converted to 8 bits.

    Attributes:
        pixels: (H, W, 3) uint8, C-contiguous.
        window: The values shown as black and as white, for grey images with more than 8 bits; else None.
        full_range: (H, W) uint8, the same image scaled from its smallest to its largest value; None without a window.
        outliers: Number of finite values far outside the window.
        warnings: Messages for the user.
    """

    pixels: NDArray[np.uint8]
    window: tuple[float, float] | None = None
    outliers: int = 0
    full_range: NDArray[np.uint8] | None = None
    warnings: tuple[str, ...] = ()


def to_rgb(image: Image.Image) -> Rendering:
    """Convert a loaded image to RGB, with warnings for the user.

    8-bit values stay unchanged. Grey images with more than 8 bits (modes I;16, I and F) are stretched linearly over
    their own window, see `find_window`; with a stretch from the smallest to the largest value, one hot pixel would make
    all others black. A constant image becomes 0. Colour images with 16 bits per channel keep the high byte (as Pillow
    decodes it). Transparent pixels are blended over black, the background of an MRI.

    Args:
        image: A decoded image of any mode that Pillow converts to RGB.

    Raises:
        PixelError: The image has no finite value.
    """
    if image.mode in ("RGB", "L") and not image.has_transparency_data:
        return Rendering(_plain(image))
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    if image.mode[0] not in "IF":
        for top, band in _bands(image):
            pixels[top : top + band.height] = _colours(band)
        return Rendering(pixels)
    whole, odd = _range(image)
    window = find_window(_sample(image))
    full_range = np.empty((image.height, image.width), np.uint8)
    outliers = np.zeros(2, dtype=np.int64)
    for top, band in _bands(image):
        values = np.asarray(band)
        pixels[top : top + band.height] = stretch(values, *window)[..., None]
        full_range[top : top + band.height] = stretch(values, *whole)
        outliers += count_outliers(values, window)
    warnings = [window_sentence(window)] if window[0] < window[1] else []
    outliers[1] *= outliers[1] <= _PADDING * full_range.size  # more than that is padding
    warnings += [outlier_sentence(int(outliers.sum()))] if outliers.any() else []
    warnings += [_NON_FINITE.format(count=odd)] if odd else []
    return Rendering(pixels, window, int(outliers.sum()), full_range, tuple(warnings))


def find_window(values: NDArray[np.generic]) -> tuple[float, float]:
    """Return the values to show as black and as white.

    White is the 99.8 % quantile of the foreground. The background, with its scanner noise, is the lowest tenth of the
    range. Black is the 0.5 % quantile without padding; the smallest value is padding if many pixels have it. If the
    padding is near the other values, like the zeros around a head, black is the padding itself.

    Args:
        values: At least one finite number; values that are not finite are ignored.

    Returns:
        (black, white); they are equal only if all values are equal.
    """
    finite = np.sort(values[np.isfinite(values)].astype(np.float64), axis=None)
    smallest, largest = float(finite[0]), float(finite[-1])
    padding = int(np.searchsorted(finite, smallest, side="right"))
    inside = finite[padding:] if finite.size > padding > max(1, _PADDING * finite.size) else finite
    black, top = float(np.quantile(inside, _BLACK, method="lower")), float(np.quantile(inside, _TOP))
    head = inside[np.searchsorted(inside, black + _BACKGROUND * (top - black), side="right") :]
    white = float(np.quantile(head, _WHITE, method="higher")) if head.size else black
    if inside[0] == inside[-1] or white <= black:  # few distinct values: show them all
        return smallest, largest
    near = inside is not finite and black - smallest < white - black
    return smallest if near else black, white


def count_outliers(values: NDArray[np.generic], window: tuple[float, float]) -> tuple[int, int]:
    """Count the finite values above and below the window whose distance from it exceeds its width."""
    black, white = window
    reach = _FAR * (white - black)
    finite = values[np.isfinite(values)].astype(np.float64)
    return int(np.count_nonzero(finite > white + reach)), int(np.count_nonzero(finite < black - reach))


def window_sentence(window: tuple[float, float]) -> str:
    """Return the message about the window of an image with more than 8 bits."""
    return f"Its values {_number(window[0])} to {_number(window[1])} are shown as black to white."


def outlier_sentence(count: int) -> str:
    """Return the message about outlier pixels."""
    some = "1 outlier pixel is" if count == 1 else f"{count:,} outlier pixels are"
    return f"{some} far outside the range of all others and shown as white or black."


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.4g}"


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply EXIF orientation 1 to 8 to (H, W, ...) `pixels`; C-contiguous. Any other value means 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _plain(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of the two usual kinds of images, which need no copies in between."""
    values = np.asarray(image)
    return values if values.ndim == 3 else np.asarray(cv2.cvtColor(values, cv2.COLOR_GRAY2RGB), np.uint8)


def _colours(band: Image.Image) -> NDArray[np.uint8]:
    if not band.has_transparency_data:
        return np.asarray(band.convert("RGB"))
    values = np.asarray(band.convert("RGBA")).astype(np.uint16)
    return ((values[..., :3] * values[..., 3:] + 127) // 255).astype(np.uint8)


def _range(image: Image.Image) -> tuple[tuple[float, float], int]:
    """Return the smallest and largest finite value, and how many values are not finite."""
    low, high, odd = np.inf, -np.inf, 0
    for _, band in _bands(image):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        odd += values.size - finite.size
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise PixelError("contains only invalid values (NaN or infinite): export it again")
    return (low, high), odd


def _sample(image: Image.Image) -> NDArray[np.generic]:
    """Return all values of a small image, or those of evenly spaced pixels of a large one."""
    step = max(1, math.ceil(image.width * image.height / _SAMPLE))
    return np.concatenate([np.asarray(band).ravel()[::step] for _, band in _bands(image)])


def stretch(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Scale values linearly so that `low` becomes 0 and `high` 255; values beyond them are clipped, NaN becomes 0."""
    if low == high:
        # Only an infinite value can differ from the single finite value.
        return np.where(values == np.inf, 255, 0).astype(np.uint8)
    unit = (np.clip(values.astype(np.float64), low, high) - low) / (high - low)
    return np.rint(np.nan_to_num(unit, nan=0.0) * 255).astype(np.uint8)
