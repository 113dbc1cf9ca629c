"""What the check of each task collects, image by image, and what it makes of that at each strength."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch

from brainseg.models.architectures import Network
from brainseg.models.description import BundleDescription
from brainseg.preparation import Geometry
from brainseg.robustness.corruptions import Condition
from brainseg.robustness.images import CheckedImages
from brainseg.robustness.result import Point


@dataclass(frozen=True, eq=False)
class Case:
    """One image under one condition.

    Attributes:
        row: Its row in `CheckedImages.table`.
        seed: The seed of its corruptions.
        condition: What was done to it.
        pixels: (H, W, 3) uint8, corrupted.
        prepared: (S, S, 3) uint8, what the model receives.
        geometry: The position of that on the image.
    """

    row: int
    seed: tuple[int, int]
    condition: Condition
    pixels: np.ndarray
    prepared: np.ndarray
    geometry: Geometry


class Answers(Protocol):
    """Collects the answers of one model; the untouched image comes before all other conditions of an image.

    Attributes:
        metric: The metric of its points.
        model: The network, in evaluation mode, on its device.
        description: The description in its bundle.
        digest: The digest of its bundle.
    """

    metric: Literal["accuracy", "dice"]
    model: Network
    description: BundleDescription
    digest: str

    def add(self, case: Case, logits: torch.Tensor) -> None:
        """Keep the answer for an image: logits of the classes, (classes,), or of each pixel, (classes, S, S)."""

    def point(self, condition: Condition) -> Point:
        """Return what the answers under a condition amount to; all images have been added."""

    def heatmaps(self) -> tuple[int, str | None, int | None]:
        """Return the number of images whose heatmaps were compared, with their method and stage."""


class OpenAnswers(Protocol):
    """Opens the model of a bundle, to collect its answers."""

    def __call__(self, bundle: Path, images: CheckedImages, device: str) -> Answers:
        """Return a collection without answers.

        Args:
            bundle: The folder of the bundle.
            images: The images that will be added.
            device: Where to run the model.

        Raises:
            BundleError: The bundle cannot be used, or holds a model of another task.
        """
