"""Fits a bundle's guard to the network's features of training images and their distance to validation images."""

from __future__ import annotations

import math

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from brainseg.diagnosis.facts import ENOUGH, image_facts
from brainseg.diagnosis.guard import appearance
from brainseg.models.guard import Features, Guard, feature_scale
from brainseg.training.inputs import D, TrainingInputs
from brainseg.training.pooled import PooledFeatures

FITTED, MEASURED, CHECKED = 200, 100, 60
"""Largest numbers of images for fitting features, setting the limit and measuring facts, which then take seconds."""
FEWEST = 8
"""Fewest training images for a guard."""
AXES = 64
COVERED = 0.98
"""Fraction of new images like the training set that the limit should cover, if enough images were measured."""
UNUSUAL = 0.2
"""If more than this fraction of training images is unlike a brain MRI slice, the facts of images are not used."""


def fit_guard(pooled: PooledFeatures[D]) -> Guard | None:
    """Fit the guard of a trained network; return None for too few images, or if features are NaN or infinite."""
    inputs, draw = pooled.context.inputs, np.random.default_rng(0)
    train, others = inputs.rows("train"), inputs.rows("valid")
    others = others if len(others) else inputs.evaluated_rows
    if len(train) < FEWEST or not len(others):
        return None
    train, others = (draw.permutation(rows)[:most] for rows, most in ((train, FITTED), (others, MEASURED)))
    fitted, measured = pooled.of(train), pooled.of(others)
    if not (np.isfinite(fitted).all() and np.isfinite(measured).all()):
        return None
    features = fit_features(fitted)
    limit = quantile(features.distance(measured), COVERED)
    brain_like, coloured = _appearance(inputs, train[:CHECKED])
    return Guard(features, max(limit, 1e-6), brain_like, coloured)


def fit_features(values: np.ndarray) -> Features:
    """Fit the distribution of (N, F) features."""
    mean, scale = values.mean(axis=0), feature_scale(values)
    scaled = (values - mean) / scale
    shrinkage = float(ledoit_wolf_shrinkage(scaled, assume_centered=True))
    _, singular, axes = np.linalg.svd(scaled, full_matrices=False)
    variances = singular**2 / len(values)
    size, total = scaled.shape[1], float(variances.sum())
    floor = max(shrinkage * total / size, 1e-9)
    kept = min(AXES, len(variances))
    rest = (1 - shrinkage) * float(variances[kept:].sum()) / max(size - kept, 1)
    kept_variances = np.append((1 - shrinkage) * variances[:kept] + floor, floor + rest)
    return Features(*(part.astype(np.float32) for part in (mean, scale, axes[:kept], kept_variances)))


def quantile(distances: np.ndarray, covered: float) -> float:
    """Return the distance that a new image of the same kind does not exceed with probability `covered`.

    If there are too few distances for that, return the largest one (conformal prediction; Vovk et al. 2005,
    "Algorithmic Learning in a Random World").
    """
    place = min(len(distances), math.ceil((len(distances) + 1) * covered))
    return float(np.sort(distances)[place - 1])


def _appearance(inputs: TrainingInputs[D], rows: np.ndarray) -> tuple[bool, float]:
    """Return whether training images look like brain MRI slices, and their usual fraction of coloured pixels."""
    found = [inputs.dataset.read(int(row)) for row in rows]
    coloured = float(np.quantile([image_facts(pixels)["colour"] for pixels in found], 0.95))
    unlike = np.mean([appearance(pixels, coloured)[0] >= ENOUGH for pixels in found])
    return bool(unlike <= UNUSUAL), coloured
