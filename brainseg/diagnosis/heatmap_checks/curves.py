"""Deletion and insertion: the probability of a class while pixels are removed, or inserted, in an order.

V. Petsiuk, A. Das and K. Saenko (2018), "RISE: Randomized Input Sampling for Explanation of Black-box Models"
(arXiv:1806.07421). If a heatmap shows what the answer depends on, removing the hottest pixels first lowers the
probability at once (a small area under the deletion curve), and inserting them first restores it at once (a large area
under the insertion curve). The area alone depends on how sure the model is. Each area is therefore compared with that
of a random order, which is also that of a uniform heatmap, and that of pixels from the centre outwards.

A removed pixel takes its value from the blurred image. RISE deletes to black and inserts into a blurred image; black
squares in a head are unlike any training image, so the probability would also change for that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

BLUR = 0.1
"""Standard deviation of the blur, as a fraction of the image's side: no tumour keeps its shape."""
FILL = "the image blurred by a Gaussian with a standard deviation of a tenth of its side"
FRACTIONS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
"""Fractions of the pixels at which the model is run: dense at the start, since a tumour covers a few percent."""
Score = Callable[[np.ndarray], np.ndarray]
"""Maps (N, C, S, S) float32 images to (N,) scores."""


def blurred(image: np.ndarray) -> np.ndarray:
    """Return a (C, S, S) float32 image without its details, see `FILL`."""
    sigma = BLUR * image.shape[-1]
    return np.stack([cv2.GaussianBlur(channel, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) for channel in image])


def replaced(image: np.ndarray, fill: np.ndarray, order: np.ndarray, fraction: float) -> np.ndarray:
    """Return an image whose first pixels in an order are those of another image.

    Args:
        image: (C, S, S).
        fill: (C, S, S).
        order: (S * S,) int, from `orders`.
        fraction: Fraction of the pixels to replace, 0..1.
    """
    first = order[: round(fraction * len(order))]
    changed = image.reshape(len(image), -1).copy()
    changed[:, first] = fill.reshape(len(fill), -1)[:, first]
    return changed.reshape(image.shape)


def deletion_and_insertion(
    image: np.ndarray, orders: Mapping[str, np.ndarray], score: Score
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Compute the deletion and the insertion curve of one image for each order of its pixels.

    Args:
        image: (C, S, S) float32, as the network receives it.
        orders: Name -> (S * S,) int, from `orders`.
        score: Returns the probability of the explained class.

    Returns:
        Name -> (deletion, insertion), each (len(FRACTIONS),) float64.
    """
    fill, inner = blurred(image), FRACTIONS[1:-1]
    whole, empty = (float(value) for value in score(np.stack([image, fill])))
    curves = {}
    for name, order in orders.items():
        deleted = score(np.stack([replaced(image, fill, order, fraction) for fraction in inner]))
        inserted = score(np.stack([replaced(fill, image, order, fraction) for fraction in inner]))
        curves[name] = np.array([whole, *deleted, empty]), np.array([empty, *inserted, whole])
    return curves


def area(curve: np.ndarray) -> float:
    """Return the area under a curve over `FRACTIONS` by the trapezoidal rule, 0..1 for probabilities.

    >>> round(area(np.array(FRACTIONS)), 6)
    0.5
    """
    return float(np.trapezoid(curve, FRACTIONS))
