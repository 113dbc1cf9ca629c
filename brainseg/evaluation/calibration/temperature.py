"""Temperature scaling: one number that makes a network's probabilities more or less extreme.

Hand-written, since scikit-learn's version needs an estimator and its training images; the tests compare the two.
"""

from __future__ import annotations

import numpy as np
import scipy

LOWEST, HIGHEST = 0.05, 20.0
"""Bounds of a fitted temperature."""
_TINY = 1e-300
"""Smallest probability that counts; a probability of 0 has no logarithm."""


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities of a network whose logits are divided by a temperature.

    Args:
        probabilities: (N, C) float, each row sums to 1.
        temperature: Over 0.

    Returns:
        (N, C) float64; the order of the classes within a row does not change.

    Examples:
        >>> scaled(np.array([[0.9, 0.1]]), 2.0).round(2).tolist()
        [[0.75, 0.25]]
    """
    if temperature == 1:
        return np.asarray(probabilities, dtype=np.float64)
    # Logarithms of probabilities differ from the logits by one number per row, which the softmax cancels.
    result: np.ndarray = scipy.special.softmax(_logits(probabilities) / temperature, axis=1)
    return result


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature with the least mean cross-entropy.

    Args:
        probabilities: (N, C) float, from a network that did not learn from these images.
        labels: (N,) int, the true classes.

    Returns:
        The temperature, within `LOWEST` and `HIGHEST`.

    References:
        C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017), "On calibration of modern neural networks", ICML.

    Examples:
        A network that is always sure, but wrong on one image of four, has to become less sure:

        >>> sure = np.array([[0.99, 0.01], [0.99, 0.01], [0.99, 0.01], [0.99, 0.01]])
        >>> temperature = fit_temperature(sure, np.array([0, 0, 0, 1]))
        >>> scaled(sure, temperature).round(2)[0].tolist()
        [0.75, 0.25]
    """
    logits, rows = _logits(probabilities), np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -float(scipy.special.log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean())

    found = scipy.optimize.minimize_scalar(
        loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY))
