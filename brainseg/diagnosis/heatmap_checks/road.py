"""ROAD: how much more the answer depends on the hottest pixels of a heatmap than on the coldest.

Y. Rong et al. (2022), "A Consistent and Efficient Evaluation Strategy for Attribution Methods" (arXiv:2202.00449).
Removed pixels are filled from their neighbours by a linear system, so that the hole itself shows nothing.

The linear system is that of the grad-cam package, `pytorch_grad_cam.metrics.road`. The rest of that module cannot be
used here, which `tests/diagnosis/test_heatmap_road.py` shows:

* It removes what lies above a percentile of the map. Most maps are zero over large parts of the image, and such a
  percentile is then 0 too: every pixel is removed, and the network sees only noise, whatever the percentage. Here,
  pixels are removed in order of their rank, equal values in random order, so that each percentage is kept exactly.
* Its noise comes from torch's global generator, so a result depends on what other threads draw.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import spsolve

from brainseg.diagnosis.heatmap_checks.curves import Score

REMOVED = (0.2, 0.4, 0.6, 0.8)
"""Fractions of the pixels that are removed; the score is the mean over them."""
NOISE = 0.01
"""Standard deviation of the noise on filled pixels, as in the paper, in units of the network's input."""


def road(image: np.ndarray, order: np.ndarray, score: Score, random: np.random.Generator) -> float:
    """Return the ROAD score of one heatmap.

    Args:
        image: (C, S, S) float32, as the network receives it.
        order: (S * S,) int, its pixels from the hottest to the coldest, from `orders.by_heatmap`.
        score: Returns the probability of the explained class.
        random: Source of the noise.

    Returns:
        (probability without the coldest pixels - probability without the hottest) / 2, averaged over `REMOVED`, in
        -0.5..0.5; the expected value of a random order is 0, since both sides are then alike.
    """
    counts = [round(fraction * len(order)) for fraction in REMOVED]
    without_hottest = [filled(image, order[:count], random) for count in counts]
    without_coldest = [filled(image, order[-count:], random) for count in counts]
    return float((score(np.stack(without_coldest)) - score(np.stack(without_hottest))).mean() / 2)


def filled(image: np.ndarray, removed: np.ndarray, random: np.random.Generator, noise: float = NOISE) -> np.ndarray:
    """Return an image in which each removed pixel is the weighted mean of its eight neighbours, plus noise.

    Args:
        image: (C, S, S) float32.
        removed: (n,) int, positions in the flattened image; not all of them.
        random: Source of the noise.
        noise: Its standard deviation.
    """
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights

    places = np.sort(removed)  # the order of the unknowns in the system
    known = np.ones(image.shape[1:])
    known.flat[places] = 0
    system, right = NoisyLinearImputer.setup_sparse_system(known, image, neighbors_weights)
    solution = spsolve(system.tocsc(), right)
    values = image.reshape(len(image), -1).copy()
    values[:, places] = solution.T + noise * random.standard_normal((len(image), len(places)))
    return values.reshape(image.shape)
