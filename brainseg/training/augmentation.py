"""Random changes of training images by torchvision, drawn separately for each image, as the run's settings ask."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torchvision.transforms import v2
from torchvision.tv_tensors import Mask

from brainseg.config import AugmentationConfig

Augment = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Changes a batch of images and its targets at random."""


def make_augmentation(config: AugmentationConfig) -> Augment:
    """Return a function that changes a batch; torch's generator draws the change of each image.

    It takes (N, 3, S, S) uint8 images and their targets. Masks, (N, S, S) uint8, are moved with their images and keep
    whole class numbers (nearest neighbour; empty areas become background). (N,) class numbers are unchanged.
    """
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
        return lambda images, targets: (images, targets)
    change = v2.Compose(steps)

    def augment(images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if targets.ndim == 1:
            return torch.stack([change(image) for image in images]), targets
        pairs = [change(image, Mask(mask)) for image, mask in zip(images, targets, strict=True)]
        return torch.stack([image for image, _ in pairs]), torch.stack(
            [mask.as_subclass(torch.Tensor) for _, mask in pairs]
        )

    return augment
