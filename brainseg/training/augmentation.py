"""Random changes of training images, drawn anew for every image: torchvision's, from the run's settings."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torchvision.transforms import v2

from brainseg.config import AugmentationConfig


def make_augmentation(config: AugmentationConfig) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that changes a (N, 3, S, S) uint8 batch, each image by its own draw from torch's generator."""
    steps: list[v2.Transform] = []
    if config.flip:
        steps.append(v2.RandomHorizontalFlip())
    if config.rotate or config.translate or config.scale:
        steps.append(
            v2.RandomAffine(
                degrees=config.rotate,
                translate=(config.translate, config.translate),
                scale=(1 - config.scale, 1 + config.scale),
                interpolation=v2.InterpolationMode.BILINEAR,
            )
        )
    if config.brightness or config.contrast:
        steps.append(v2.ColorJitter(brightness=config.brightness, contrast=config.contrast))
    if not steps:
        return lambda batch: batch
    change = v2.Compose(steps)
    return lambda batch: torch.stack([change(image) for image in batch])
