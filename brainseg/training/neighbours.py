"""Stores the features of training images, so that Diagnose can show those that are similar to another image."""

from __future__ import annotations

import numpy as np

from brainseg.models.neighbours import Neighbours
from brainseg.training.inputs import D
from brainseg.training.pooled import PooledFeatures

MOST = 2000
"""Most images that are stored, drawn at random from a larger training set: their features then take under a minute."""
FEWEST = 2


def store_neighbours(pooled: PooledFeatures[D]) -> None:
    """Write `neighbours.safetensors`; nothing if there are too few images, or if features are NaN or infinite."""
    context = pooled.context
    rows = np.random.default_rng(0).permutation(context.inputs.rows("train"))[:MOST]
    if len(rows) < FEWEST:
        return
    features = pooled.of(np.sort(rows))
    if np.isfinite(features).all():
        Neighbours.of(features, np.sort(rows)).save(context.folder)
