"""Fits a bundle's guard: how the training images look to the trained network, and how far validation images lie."""

from __future__ import annotations

import math

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf_shrinkage

from brainseg.diagnosis.facts import ENOUGH, image_facts, oddities
from brainseg.models.guard import Features, Guard
from brainseg.models.inputs import normalise, to_batch
from brainseg.training.inputs import TrainingInputs
from brainseg.training.setup import Setup

FITTED, JUDGED, LOOKED_AT = 200, 100, 60
"""Most images that the features are fitted to, that the limit is taken from, and whose facts are measured: seconds."""
FEWEST = 8
"""Training images below which there is no guard."""
AXES = 64
COVERED = 0.98
"""Share of further images of the training set's kind that the limit should cover, as far as so many were judged."""
UNUSUAL = 0.2
"""Share of training images unlike a brain MRI slice above which the facts of images are not used."""
BATCH = 16


def fit_guard(setup: Setup, inputs: TrainingInputs) -> Guard | None:
    """Fit the guard of a trained network; None where there are too few images, or where its features are no numbers."""
    draw = np.random.default_rng(0)
    train, judged = inputs.rows("train"), inputs.rows("valid")
    judged = judged if len(judged) else inputs.rows(inputs.judged_side)
    if len(train) < FEWEST or not len(judged):
        return None
    train, judged = (draw.permutation(rows)[:most] for rows, most in ((train, FITTED), (judged, JUDGED)))
    learnt, held_out = pooled(setup, train), pooled(setup, judged)
    if not (np.isfinite(learnt).all() and np.isfinite(held_out).all()):
        return None
    features = fit_features(learnt)
    limit = quantile(features.distance(held_out), COVERED)
    brain_like, coloured = _looks(inputs, train[:LOOKED_AT])
    return Guard(features, max(limit, 1e-6), brain_like, coloured)


def fit_features(values: np.ndarray) -> Features:
    """Fit the distribution of (N, F) features."""
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    # A channel that sleeps on all training images must not make every other image infinitely far.
    scale = deviation + 0.02 * deviation.mean() + 1e-6
    scaled = (values - mean) / scale
    shrinkage = float(ledoit_wolf_shrinkage(scaled, assume_centered=True))
    _, singular, axes = np.linalg.svd(scaled, full_matrices=False)
    variances = singular**2 / len(values)
    size, total = scaled.shape[1], float(variances.sum())
    floor = max(shrinkage * total / size, 1e-9)
    kept = min(AXES, len(variances))
    rest = (1 - shrinkage) * float(variances[kept:].sum()) / max(size - kept, 1)
    spreads = np.append((1 - shrinkage) * variances[:kept] + floor, floor + rest)
    return Features(*(part.astype(np.float32) for part in (mean, scale, axes[:kept], spreads)))


def quantile(distances: np.ndarray, covered: float) -> float:
    """Return the distance that a further image of the same kind stays below with probability `covered`.

    Where too few were judged for that, it is the largest of them (Vovk et al. 2005, "Algorithmic Learning in a Random
    World", conformal prediction).
    """
    place = min(len(distances), math.ceil((len(distances) + 1) * covered))
    return float(np.sort(distances)[place - 1])


@torch.no_grad()
def pooled(setup: Setup, rows: np.ndarray) -> np.ndarray:
    """Return the (len(rows), F) float64 means over each map of the body's last stage."""
    body, method = setup.model.to(setup.device).eval().body, setup.data.normalise
    parts = []
    for start in range(0, len(rows), BATCH):
        batch = to_batch(np.stack([setup.data.images[row] for row in rows[start : start + BATCH]]))
        deepest = body.levels(normalise(batch.to(setup.device), method))[-1]
        parts.append(deepest.mean((2, 3)).double().cpu().numpy())
    return np.concatenate(parts)


def _looks(inputs: TrainingInputs, rows: np.ndarray) -> tuple[bool, float]:
    """Say whether training images look like slices of a brain MRI, and how coloured they are."""
    found = [image_facts(inputs.dataset.read(int(row))) for row in rows]
    coloured = float(np.quantile([facts["colour"] for facts in found], 0.95))
    unlike = np.mean([oddities(facts, coloured)[0] >= ENOUGH for facts in found])
    return bool(unlike <= UNUSUAL), coloured
