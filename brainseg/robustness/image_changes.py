"""Corruptions that any image may suffer: blur, contrast, rotation, JPEG and low resolution.

Each takes an image, (H, W, 3) uint8, a strength and a random generator, and returns an image of the same shape and
type. `corruptions` gives the units of the strengths.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from brainseg.robustness.planes import is_grey, on_planes
from brainseg.scans import read_scan


def blur(pixels: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian whose standard deviation is `percent` of the longer side."""
    sigma = percent / 100 * max(pixels.shape[:2])
    return on_planes(pixels, lambda plane: cv2.GaussianBlur(plane, (0, 0), sigma))


def contrast(pixels: np.ndarray, gamma: float, rng: np.random.Generator) -> np.ndarray:
    """Raise grey levels, as fractions of 255, to the power `gamma` or 1 / `gamma`, whichever is drawn."""
    exponent = gamma if rng.random() < 0.5 else 1 / gamma
    levels = np.rint(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    changed: np.ndarray = levels[pixels]
    return changed


def rotation(pixels: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Rotate about the centre by `degrees` to one side, which is drawn; what comes in from outside is black."""
    return turned(pixels, drawn_side(degrees, rng))


def drawn_side(degrees: float, rng: np.random.Generator) -> float:
    """Return the angle of a rotation: positive is counter-clockwise."""
    return degrees if rng.random() < 0.5 else -degrees


def turned(values: np.ndarray, degrees: float, *, nearest: bool = False) -> np.ndarray:
    """Rotate an image, a map or a mask about its centre, counter-clockwise.

    Args:
        values: (H, W) or (H, W, 3), uint8 or float32.
        degrees: The angle.
        nearest: Whether to take the nearest value, as masks need it, in place of bilinear interpolation.

    Returns:
        The same shape and type; 0 where the rotation brings in what was outside.
    """
    height, width = values.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    method = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    rotated: np.ndarray = cv2.warpAffine(values, matrix, (width, height), flags=method)
    return rotated


def jpeg(pixels: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    """Save as JPEG with Pillow, grey images in grey and others with 4:2:0 subsampling, and read it as a user's file."""
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if is_grey(pixels) else pixels).save(stream, "JPEG", quality=round(quality))
    return np.asarray(read_scan(stream.getvalue()).pixels)


def resolution(pixels: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    """Reduce both sides to `percent` by averaging areas, and enlarge again bilinearly."""
    height, width = pixels.shape[:2]
    small = max(1, round(width * percent / 100)), max(1, round(height * percent / 100))
    reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    enlarged: np.ndarray = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)
    return enlarged
