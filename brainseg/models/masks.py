"""Turns a U-Net's logits on the prepared square into a mask on the scan's own grid, for evaluation and diagnosis."""

from __future__ import annotations

import numpy as np
import torch

from brainseg.preparation import Geometry


def scan_probabilities(logits: torch.Tensor, geometry: Geometry) -> np.ndarray:
    """Return the probabilities of every class on the scan's grid.

    Args:
        logits: (classes, S, S) of one prepared square, background first.
        geometry: The position of that square on its scan.

    Returns:
        (classes, H, W) float32 that sum to 1 at every pixel; outside the part that the model saw, all is background.
    """
    on_square = torch.softmax(logits.float(), dim=0).cpu().numpy()
    found = np.stack([geometry.to_scan(values) for values in on_square[1:]])
    return np.concatenate([1 - found.sum(axis=0, keepdims=True), found]).clip(0, 1)


def argmax_mask(probabilities: np.ndarray) -> np.ndarray:
    """Return the number of the most probable class at every pixel, (H, W) uint8; the lowest if several are equal.

    >>> argmax_mask(np.array([[[0.9, 0.2]], [[0.1, 0.8]]], np.float32)).tolist()
    [[0, 1]]
    """
    numbers: np.ndarray = probabilities.argmax(axis=0).astype(np.uint8)
    return numbers
