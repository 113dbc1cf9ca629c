"""Features of images from a trained network, which guard and similar images share."""

from __future__ import annotations

from typing import Generic

import numpy as np
import torch

from brainseg.models.inputs import normalise, to_batch
from brainseg.training.context import TrainingContext
from brainseg.training.inputs import D

BATCH = 16


class PooledFeatures(Generic[D]):
    """The mean of each map of the body's last stage, computed in float32 and only once for each image.

    Args:
        context: A run whose network no longer changes.
    """

    def __init__(self, context: TrainingContext[D]) -> None:
        self.context = context
        self._of_row: dict[int, np.ndarray] = {}

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the (len(rows), F) float64 features of some rows."""
        missing = [int(row) for row in rows if int(row) not in self._of_row]
        for start in range(0, len(missing), BATCH):
            self._compute(missing[start : start + BATCH])
        return np.stack([self._of_row[int(row)] for row in rows])

    @torch.no_grad()
    def _compute(self, rows: list[int]) -> None:
        context = self.context
        body, method = context.model.to(context.device).eval().body, context.config.preparation.normalise
        batch = to_batch(np.stack([context.inputs.images[row] for row in rows])).to(context.device)
        deepest = body(normalise(batch, method))[-1]
        self._of_row.update(zip(rows, deepest.mean((2, 3)).double().cpu().numpy(), strict=True))
