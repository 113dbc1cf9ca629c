"""Random changes of training images, drawn separately for each image, as the run's settings ask.

They are drawn like those of torchvision's `RandomHorizontalFlip`, `RandomAffine` and `ColorJitter`. All movements of an
image are one affine map and all changes of its grey levels one table, so that each image is resampled once and a batch
takes a fraction of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from brainseg.config import AugmentationConfig

Augment = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Changes a batch of images and its targets at random."""
GREY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in the grey level whose mean is the centre of a change of contrast, as in torchvision.
"""


@dataclass(frozen=True)
class Change:
    """The change of one image.

    Attributes:
        flip: Mirror left and right, before everything else.
        angle: Rotation about the image's centre, in degrees, clockwise as seen.
        shift: Shift to the right and down, in pixels.
        scale: Factor of the size.
        brightness: Factor of all grey levels.
        contrast: Factor of their distance from the image's mean grey level.
    """

    flip: bool = False
    angle: float = 0.0
    shift: tuple[int, int] = (0, 0)
    scale: float = 1.0
    brightness: float = 1.0
    contrast: float = 1.0


def make_augmentation(config: AugmentationConfig) -> Augment:
    """Return a function that changes a batch; torch's generator draws the change of each image.

    It takes (N, S, S, 3) uint8 images and their targets. Masks, (N, S, S) uint8, are moved with their images and keep
    whole class numbers (nearest neighbour; empty areas become background). (N,) class numbers are unchanged.
    """
    if config == AugmentationConfig(rotate=0, translate=0, scale=0, flip=False, brightness=0, contrast=0):
        return lambda images, targets: (images, targets)

    def augment(images: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        changes = draw(config, len(images), images.shape[1])
        changed = np.stack([change_image(image, change) for image, change in zip(images, changes, strict=True)])
        if targets.ndim == 1:
            return changed, targets
        pairs = zip(targets, changes, strict=True)
        return changed, np.stack([move(mask, change, cv2.INTER_NEAREST) for mask, change in pairs])

    return augment


def draw(config: AugmentationConfig, count: int, size: int) -> list[Change]:
    """Draw the changes of `count` images of `size` x `size` pixels from torch's generator, all uniformly."""
    numbers = torch.rand(count, 7, dtype=torch.float64)
    signed = (2 * numbers - 1).tolist()
    return [
        Change(
            flip=config.flip and row[0] < 0,
            angle=config.rotate * row[1],
            shift=(round(config.translate * size * row[2]), round(config.translate * size * row[3])),
            scale=1 + config.scale * row[4],
            brightness=1 + config.brightness * row[5],
            contrast=1 + config.contrast * row[6],
        )
        for row in signed
    ]


def change_image(image: np.ndarray, change: Change) -> np.ndarray:
    """Move an (S, S, 3) uint8 image, bilinearly with black outside, then change its grey levels."""
    moved = move(image, change, cv2.INTER_LINEAR)
    if change.brightness == 1 and change.contrast == 1:
        return moved
    centre = float(np.dot(cv2.mean(moved)[:3], GREY))
    levels = change.brightness * (change.contrast * np.arange(256) + (1 - change.contrast) * centre)
    return np.asarray(cv2.LUT(moved, levels.clip(0, 255).round().astype(np.uint8)))


def move(image: np.ndarray, change: Change, interpolation: int) -> np.ndarray:
    """Mirror, turn, scale and shift an (S, S) or (S, S, 3) uint8 image in one resampling; zeros come in from outside.

    Without a turn, a change of size and a shift, the image is only mirrored, and no pixel is resampled.
    """
    if not change.angle and change.scale == 1 and change.shift == (0, 0):
        return cv2.flip(image, 1) if change.flip else image
    size = image.shape[0]
    centre = (size - 1) / 2  # of pixel centres, which OpenCV counts from 0
    cos = math.cos(math.radians(change.angle)) * change.scale
    sin = math.sin(math.radians(change.angle)) * change.scale
    turn = np.array([[cos, -sin], [sin, cos]])
    if change.flip:
        turn[:, 0] *= -1
    offset = np.array([centre, centre]) + change.shift - turn @ [centre, centre]
    return np.asarray(cv2.warpAffine(image, np.column_stack([turn, offset]), (size, size), flags=interpolation))
