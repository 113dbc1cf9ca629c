"""Is an image like those that a model was trained on?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg.diagnosis.facts import ENOUGH, LIMITS, image_facts, oddities
from brainseg.models.guard import Guard

FAR = (1.2, 4.5, 8.0)
"""Distances, as multiples of the bundle's limit, beyond each of which the features count a point."""
FAR_ALONE = 2.0
"""The multiple from which on the features decide alone, where the facts of an image do not apply."""
DISTANT = "the network's features of it are far from those of the training images"


@dataclass(frozen=True)
class Verdict:
    """Whether an image is like the training images, and why not.

    Attributes:
        in_domain: None where the bundle has no guard.
        reasons: Each to stand in a sentence; empty unless `in_domain` is False.
    """

    in_domain: bool | None = None
    reasons: tuple[str, ...] = ()


def assess(guard: Guard | None, pixels: np.ndarray, features: np.ndarray) -> Verdict:
    """Compare an image with the training images of a model.

    The facts of the image and the distance of its features add up: brain MRI of another origin is somewhat far away in
    the features of a model, and still looks like a slice; a photograph does neither.

    Args:
        guard: The bundle's; None where it has none.
        pixels: (H, W, 3) uint8 RGB, the image as it was put in.
        features: (F,) pooled features of the prepared image.
    """
    if guard is None:
        return Verdict()
    ratio = float(guard.features.distance(features[None])[0]) / guard.limit
    facts = image_facts(pixels)
    if not guard.brain_like:
        return _without_a_head(ratio, LIMITS["colour"].points(facts["colour"] - guard.coloured))
    points, reasons = oddities(facts, guard.coloured)
    far = sum(not ratio <= step for step in FAR)
    if points + far < ENOUGH:
        return Verdict(True)
    return Verdict(False, (*reasons[:2], *([DISTANT] if far else [])))


def _without_a_head(ratio: float, colour: int) -> Verdict:
    """Assess an image for a model whose training images are no slices: by its features, and by colours they had not."""
    distant = not ratio <= FAR_ALONE
    if distant or colour == 2 or (colour and not ratio <= 1):
        reasons = [LIMITS["colour"].reason] * bool(colour) + [DISTANT] * (not ratio <= 1)
        return Verdict(False, tuple(reasons))
    return Verdict(True)
