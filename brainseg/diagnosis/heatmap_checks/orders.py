"""Orders of an image's pixels: by a heatmap, at random, and from the centre outwards."""

from __future__ import annotations

import numpy as np


def by_heatmap(heatmap: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the pixels from the hottest to the coldest; pixels of equal value in random order.

    Most heatmaps are zero over large parts of the image. Without the random order, those pixels would come row by row.

    Args:
        heatmap: (S, S) float.
        random: Source of the order of equal values.

    Returns:
        (S * S,) int, positions in the flattened image.

    Examples:
        >>> by_heatmap(np.array([[0.2, 0.9], [0.5, 0.1]]), np.random.default_rng(0)).tolist()
        [1, 2, 0, 3]
    """
    values = heatmap.ravel()
    return np.lexsort((random.permutation(values.size), -values))


def at_random(size: int, random: np.random.Generator) -> np.ndarray:
    """Return the pixels of an (S, S) image in random order, which is also the order that a uniform heatmap gives."""
    return random.permutation(size * size)


def from_centre(size: int) -> np.ndarray:
    """Return the pixels of an (S, S) image from the centre outwards: a heatmap that ignores the image.

    >>> from_centre(3).tolist()
    [4, 1, 3, 5, 7, 0, 2, 6, 8]
    """
    along = np.arange(size) - (size - 1) / 2
    squares = (along**2)[:, None] + (along**2)[None, :]
    return np.argsort(squares.ravel(), kind="stable")
