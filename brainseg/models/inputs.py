"""The last step before a model: a uint8 batch becomes normalised floats, in training and diagnosis alike."""

from __future__ import annotations

import numpy as np
import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SPREAD = (0.229, 0.224, 0.225)


def to_batch(images: np.ndarray) -> torch.Tensor:
    """Return (N, S, S, 3) uint8 images as an (N, 3, S, S) uint8 tensor (a view, channels last in memory)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def normalise(batch: torch.Tensor, method: str) -> torch.Tensor:
    """Scale to zero mean and unit spread.

    Args:
        batch: (N, 3, S, S), uint8 or float in 0..255.
        method: `imagenet`: ImageNet's mean and standard deviation a channel; `per-image`: each image's own, over
            all its pixels and channels (an image of one value becomes all zeros).

    Returns:
        (N, 3, S, S) float32.
    """
    values = batch.float() / 255
    if method == "imagenet":
        mean = values.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        return (values - mean) / values.new_tensor(IMAGENET_SPREAD).view(1, 3, 1, 1)
    # Counted from a pixel of the image itself, one value gives exact zeros rather than rounding errors blown up.
    values = values - values[:, :1, :1, :1]
    mean = values.mean((1, 2, 3), keepdim=True)
    return (values - mean) / values.std((1, 2, 3), keepdim=True).clamp_min(1e-6)
