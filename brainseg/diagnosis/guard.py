"""Checks whether an image resembles the images that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg.diagnosis.facts import ENOUGH, LIMITS, image_facts, oddities, plain_facts, reduced
from brainseg.diagnosis.head_network import head_logit
from brainseg.models.guard import Guard

FAR = (1.2, 4.5, 8.0)
"""Multiples of the bundle's limit; each one that the features' distance exceeds counts 1 point."""
FAR_ALONE = 2.0
"""Multiple of the limit beyond which an image is refused by its features alone, where its facts do not apply."""
DISTANT = "its network features are far from those of the training images"
SURE, POSSIBLE, POSSIBLE_IF_NEAR = 2.0, 0.0, -1.0
"""Logits of the head network: from `SURE` on, an image is a slice whatever its facts; below `POSSIBLE`, it is none.

An image whose features are within the bundle's limit needs only `POSSIBLE_IF_NEAR`, and then its facts do not count.
"""
NO_HEAD = "what it shows does not look like brain MRI"


@dataclass(frozen=True)
class Verdict:
    """Whether an image resembles the training images, and why it does not.

    Attributes:
        in_domain: Whether it does; None if the bundle has no guard.
        reasons: Parts of a sentence; empty unless `in_domain` is False.
        distance: Distance of the features from those of the training images, as a multiple of the bundle's limit; None
            if the bundle has no guard.
    """

    in_domain: bool | None = None
    reasons: tuple[str, ...] = ()
    distance: float | None = None


def assess(guard: Guard | None, pixels: np.ndarray, features: np.ndarray) -> Verdict:
    """Compare an image with the training images of a model.

    The points for the appearance of the image and for the distance of its features are added. Brain MRI from another
    source has somewhat distant features but still looks like a slice; a photograph has distant features and looks
    different.

    Args:
        guard: The bundle's guard; None if it has none.
        pixels: (H, W, 3) uint8 RGB, the original image.
        features: (F,) pooled features of the prepared image.
    """
    if guard is None:
        return Verdict()
    ratio = float(guard.features.distance(features[None])[0]) / guard.limit
    if not guard.brain_like:
        return _assess_by_features(ratio, LIMITS["colour"].points(plain_facts(pixels)["colour"] - guard.coloured))
    points, reasons = appearance(pixels, guard.coloured, near=ratio <= 1)
    far = sum(not ratio <= step for step in FAR)
    if points + far < ENOUGH:
        return Verdict(True, distance=ratio)
    return Verdict(False, (*reasons[:2], *([DISTANT] if far else [])), ratio)


def appearance(pixels: np.ndarray, coloured: float, near: bool = False) -> tuple[int, tuple[str, ...]]:
    """Count the points of what an image looks like, by its facts and by the head network.

    Args:
        pixels: (H, W, 3) uint8 RGB, the original image.
        coloured: As in `oddities`.
        near: Whether the features are known to be within the limit of a bundle.

    Returns:
        The points, and the reasons for them, most serious first.
    """
    small = reduced(pixels)
    logit = head_logit(small)
    if logit >= (POSSIBLE_IF_NEAR if near else SURE):
        # Size and colours always count, as the head network sees neither. Most slices need no other facts, which take
        # several times as long.
        return oddities(plain_facts(pixels, small), coloured)
    points, reasons = oddities(image_facts(pixels, small), coloured)
    return (points, reasons) if logit >= POSSIBLE else (points + ENOUGH, (NO_HEAD, *reasons))


def _assess_by_features(ratio: float, colour: int) -> Verdict:
    """Assess an image by its features and unusual colours, for a model whose training images are not brain slices."""
    distant = not ratio <= FAR_ALONE
    if distant or colour == 2 or (colour and not ratio <= 1):
        reasons = [LIMITS["colour"].reason] * bool(colour) + [DISTANT] * (not ratio <= 1)
        return Verdict(False, tuple(reasons), ratio)
    return Verdict(True, distance=ratio)
