"""Images of a segmentation: the mask laid over the scan, a captioned sheet to save, and the mask alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brainseg.diagnosis.agreement import agreement, agreement_sentence
from brainseg.diagnosis.doubts import contradiction
from brainseg.diagnosis.images import (
    OPACITY,
    captioned_sheet,
    diagnosis_lines,
    facts,
    overlay,
    reliability_lines,
    squared,
)

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.segmenter import Segmentation

CAPTION = "Marked by a model and not checked by a person."
FILL = 0.35
COLOURS = ((86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115), (213, 94, 0))
"""RGB of class 1, 2, ..., repeated from the start: the palette of Okabe and Ito, safe for colour-blind readers."""
LINES = 200
"""Pixels of the image's shorter side per pixel of outline width."""


def mask_overlay(
    pixels: np.ndarray, mask: np.ndarray, opacity: float = FILL, fill: bool = True, outline: bool = True
) -> np.ndarray:
    """Lay a mask over a scan; where the mask is 0, only the outlines along its edge change the scan.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8 class numbers.
        opacity: Weight of the colour inside the mask, in 0..1.
        fill: Colour the inside.
        outline: Draw the edge in full colour.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: The sizes differ.
    """
    if pixels.shape[:2] != mask.shape:
        raise ValueError(f"pixels and mask must have the same size, got {pixels.shape[:2]} and {mask.shape}.")
    image = pixels.copy()
    width = max(1, round(min(mask.shape) / LINES))
    for number in sorted(set(np.unique(mask).tolist()) - {0}):
        colour, inside = class_colour(number), mask == number
        if fill:
            image[inside] = np.round(image[inside] * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)
        if outline:
            edges, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            image = cv2.drawContours(image, edges, -1, colour, width)
    return image


def lay_mask(image: NDArray[np.uint8], mask: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Fit a mask into a square and lay it over an image of that size.

    Args:
        image: (S, S, 3) uint8 RGB, the scan as `squared` gives it.
        mask: (H, W) uint8 class numbers on the scan's own grid.
        opacity: Of the mask's inside, in 0..1.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    fitted = np.zeros(image.shape[:2], np.uint8)
    for number in sorted(set(np.unique(mask).tolist()) - {0}):
        # One class at a time: a value between two class numbers could be a third class.
        fitted[squared((mask == number).astype(np.float32), len(image)) >= 0.5] = number
    return mask_overlay(image, fitted, opacity)


def class_colour(number: int) -> tuple[int, int, int]:
    """Return the RGB colour of a class number, from 1."""
    return COLOURS[(number - 1) % len(COLOURS)]


def segmentation_sheet(pixels: np.ndarray, name: str, segmentation: Segmentation, opacity: float = FILL) -> Image.Image:
    """Put scan and marked scan side by side above the answer, the caption and the disclaimer.

    Args:
        pixels: (H, W, 3) uint8 RGB, the scan.
        name: The file's name.
        segmentation: What the model marked on it.
        opacity: Opacity of the mask's inside.
    """
    images = [pixels, mask_overlay(pixels, segmentation.mask, opacity)]
    lines = [name, *reliability_lines(segmentation), *_lines(segmentation), CAPTION]
    return captioned_sheet(images, lines, facts(segmentation))


def joint_sheet(
    pixels: np.ndarray,
    name: str,
    diagnosis: Diagnosis | Consensus,
    segmentation: Segmentation,
    opacities: tuple[float, float] = (OPACITY, FILL),
    positive: str | None = None,
) -> Image.Image:
    """Put scan, heatmap and mask side by side above both answers, how well they agree, captions and the disclaimer.

    Args:
        pixels: (H, W, 3) uint8 RGB, the scan.
        name: The file's name.
        diagnosis: The classifiers' answer.
        segmentation: What another model marked on it.
        opacities: Opacities of the heatmap and of the mask's inside.
        positive: The classifiers' class that stands for a tumour; None if there is none.
    """
    heat, mask = opacities
    images = [pixels, overlay(pixels, diagnosis.heatmap, heat), mask_overlay(pixels, segmentation.mask, mask)]
    *answer, caption = diagnosis_lines(diagnosis)
    doubt = contradiction(diagnosis.label, positive, bool(segmentation.regions))
    compared = agreement_sentence(agreement(diagnosis.heatmap, segmentation.mask), bool(segmentation.regions))
    lines = [name, *reliability_lines(diagnosis, segmentation, more=doubt), *answer, *_lines(segmentation), compared]
    below = f"{caption} The mask: {CAPTION[0].lower()}{CAPTION[1:]}"
    return captioned_sheet(images, [*lines, below], facts(diagnosis, segmentation, more=doubt))


def _lines(segmentation: Segmentation) -> list[str]:
    return [segmentation.finding, f"Marked by model {segmentation.model}"]


def mask_image(segmentation: Segmentation) -> Image.Image:
    """Return the mask as a grey image of the scan's size, with evenly spaced levels from 0 (background) to 255.

    With two classes, that is the usual mask of 0 and 255.
    """
    levels = np.round(np.linspace(0, 255, len(segmentation.classes))).astype(np.uint8)
    image = Image.fromarray(levels[segmentation.mask])
    image.info["Facts"] = {**facts(segmentation), "Caption": CAPTION}
    return image
