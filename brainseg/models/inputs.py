"""The last step before a model, for training and diagnosis: turns a uint8 batch into normalised floats."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def to_batch(images: np.ndarray) -> torch.Tensor:
    """Return (N, S, S, 3) uint8 images as an (N, 3, S, S) uint8 tensor (a view, channels last in memory)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def normalise(batch: torch.Tensor, method: str) -> torch.Tensor:
    """Scale to zero mean and a standard deviation of 1.

    Args:
        batch: (N, 3, S, S), uint8 or float in 0..255.
        method: `imagenet` uses ImageNet's mean and standard deviation per channel; `per-image` uses those of each
            image over all its pixels and channels (a uniform image becomes all zeros).

    Returns:
        (N, 3, S, S) float32.

    Examples:
        >>> batch = to_batch(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3))
        >>> values = normalise(batch, "per-image")
        >>> values.shape, round(float(values.mean()), 4), round(float(values.std()), 4)
        (torch.Size([1, 3, 2, 2]), 0.0, 1.0)
    """
    values = batch.float() / 255
    if method == "imagenet":
        mean = values.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        return values.sub_(mean).div_(values.new_tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1))
    # One of the image's own pixels is subtracted first, so a uniform image gives zeros, not amplified rounding error.
    values = values - values[:, :1, :1, :1]
    mean = values.mean((1, 2, 3), keepdim=True)
    return (values - mean) / values.std((1, 2, 3), keepdim=True).clamp_min(1e-6)


def on_device(model: M, device: torch.device) -> M:
    """Move a model to a device, in place, with the memory layout that is fastest for convolutions."""
    return model.to(device).to(memory_format=torch.channels_last)
