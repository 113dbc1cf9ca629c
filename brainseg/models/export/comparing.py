"""Compares the outputs of a backend with those of torch in fp32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from brainseg.models.calibration import temperature_of
from brainseg.models.description import BundleDescription
from brainseg.models.export.record import Comparison
from brainseg.models.guard import Guard
from brainseg.models.operating_point import decide


def compare_logits(
    reference: np.ndarray, logits: np.ndarray, description: BundleDescription, distance: float | None = None
) -> Comparison:
    """Compare the logits of a classifier, at the calibration and the threshold of its bundle.

    Args:
        reference: (N, classes) float32, those of torch in fp32.
        logits: (N, classes) float32.
        description: The bundle's description.
        distance: The largest difference of the guard's distance.
    """
    wanted, found = (_probabilities(values, description) for values in (reference, logits))
    changed = sum(
        one != other for one, other in zip(_labels(wanted, description), _labels(found, description), strict=True)
    )
    return Comparison(
        images=len(wanted),
        largest_difference=float(np.abs(wanted - found).max()),
        decisions_changed=changed,
        distance_difference=distance,
    )


def _probabilities(logits: np.ndarray, description: BundleDescription) -> np.ndarray:
    scaled = torch.from_numpy(logits).double() / temperature_of(description.calibration)
    result: np.ndarray = torch.softmax(scaled, dim=1).numpy()
    return result


def _labels(probabilities: np.ndarray, description: BundleDescription) -> list[str]:
    point, positive, classes = description.decides, description.positive, description.classes
    rows = (dict(zip(classes, row.tolist(), strict=True)) for row in probabilities)
    return [decide(row, positive, point).label for row in rows]


@dataclass
class MaskComparison:
    """Compares the masks of a U-Net batch by batch, and keeps only what was found."""

    images: int = 0
    largest: float = 0.0
    decisions: int = 0
    pixels: int = 0
    changed: int = 0

    def add(self, reference: torch.Tensor, logits: torch.Tensor) -> None:
        """Add a batch of (N, classes, S, S) logits of torch in fp32 and of the backend."""
        wanted, found = (torch.softmax(values.float(), dim=1) for values in (reference, logits))
        self.largest = max(self.largest, float((wanted - found).abs().max()))
        masks, others = wanted.argmax(dim=1), found.argmax(dim=1)
        self.decisions += int(((masks > 0).flatten(1).any(1) != (others > 0).flatten(1).any(1)).sum())
        self.images, self.pixels = self.images + len(masks), self.pixels + masks.numel()
        self.changed += int((masks != others).sum())

    def result(self, distance: float | None) -> Comparison:
        """Return what was found; `distance` is the largest difference of the guard's distance."""
        return Comparison(
            images=self.images,
            largest_difference=self.largest,
            decisions_changed=self.decisions,
            pixels_changed=self.changed / max(self.pixels, 1),
            distance_difference=distance,
        )


@dataclass
class ClassComparison:
    """Collects the logits of a classifier and of a backend for it."""

    reference: list[torch.Tensor] = field(default_factory=list)
    found: list[torch.Tensor] = field(default_factory=list)

    def add(self, reference: torch.Tensor, logits: torch.Tensor) -> None:
        """Add a batch of (N, classes) logits of torch in fp32 and of the backend."""
        self.reference.append(reference)
        self.found.append(logits)

    @property
    def logits(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, classes) float32 logits of torch in fp32, and of the backend."""
        return torch.cat(self.reference).numpy(), torch.cat(self.found).numpy()


def distance_difference(
    guard: Guard | None, reference: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> float | None:
    """Return how far the guard's distances differ at most, as a multiple of its limit; None without a guard.

    Args:
        guard: The bundle's guard.
        reference: (N, F) features of batches, of torch in fp32.
        found: The same of the backend.
    """
    if guard is None:
        return None
    one, other = (guard.features.distance(np.concatenate(each)) / guard.limit for each in (reference, found))
    return float(np.abs(one - other).max())
