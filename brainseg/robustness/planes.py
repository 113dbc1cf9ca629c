"""Changes the channels of an 8-bit image one by one, in floating point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def is_grey(pixels: np.ndarray) -> bool:
    """Return whether the three channels of an image, (H, W, 3) uint8, are equal."""
    return bool((pixels == pixels[..., :1]).all())


def on_planes(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Change each channel of an image; a grey image stays grey, since its channel is changed once.

    Args:
        pixels: (H, W, 3) uint8.
        change: Takes and returns (H, W) float32 in grey levels; what lies outside 0..255 is cut off.

    Returns:
        (H, W, 3) uint8.

    Examples:
        >>> on_planes(np.full((1, 1, 3), 100, np.uint8), lambda plane: plane * 1.5).tolist()
        [[[150, 150, 150]]]
    """
    channels = range(1 if is_grey(pixels) else 3)
    planes = [change(pixels[..., channel].astype(np.float32)) for channel in channels]
    levels = [np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in planes]
    return np.dstack(levels * 3 if len(levels) == 1 else levels)
