"""Pictures of a segmentation: the mask laid over the scan, a captioned sheet to save, and the mask alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from brainseg.diagnosis.agreement import agreement, agreement_words
from brainseg.diagnosis.doubts import contradiction
from brainseg.diagnosis.picture import OPACITY, captioned_sheet, diagnosis_lines, facts, overlay, standing_lines

if TYPE_CHECKING:
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.predictor import Diagnosis
    from brainseg.diagnosis.segmenter import Segmentation

CAPTION = "Marked by a model and not checked by a person."
FILL = 0.35
COLOURS = ((86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115), (213, 94, 0))
"""RGB by class number from 1, then from the start again: Okabe and Ito's, distinguishable for the colour-blind."""
LINES = 200
"""The outline is one pixel wide for every so many pixels of the image's shorter side."""


def mask_overlay(
    pixels: np.ndarray, mask: np.ndarray, opacity: float = FILL, fill: bool = True, outline: bool = True
) -> np.ndarray:
    """Lay a mask over a scan; where it is 0 the scan stays as it is, but for outlines that run along its edge.

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
        raise ValueError(f"pixels and mask must have one size, got {pixels.shape[:2]} and {mask.shape}.")
    picture = pixels.copy()
    width = max(1, round(min(mask.shape) / LINES))
    for number in sorted(set(np.unique(mask).tolist()) - {0}):
        colour, inside = class_colour(number), mask == number
        if fill:
            picture[inside] = np.round(picture[inside] * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)
        if outline:
            edges, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            picture = cv2.drawContours(picture, edges, -1, colour, width)
    return picture


def class_colour(number: int) -> tuple[int, int, int]:
    """Return the RGB colour of a class, from number 1."""
    return COLOURS[(number - 1) % len(COLOURS)]


def segmentation_sheet(pixels: np.ndarray, name: str, segmentation: Segmentation, opacity: float = FILL) -> Image.Image:
    """Put scan and marked scan side by side above the answer, the caption and the disclaimer.

    Args:
        pixels: (H, W, 3) uint8 RGB, the scan.
        name: The file's name.
        segmentation: What the model marked on it.
        opacity: Of the mask's inside.
    """
    pictures = [pixels, mask_overlay(pixels, segmentation.mask, opacity)]
    lines = [name, *standing_lines(segmentation), *_lines(segmentation), CAPTION]
    return captioned_sheet(pictures, lines, facts(segmentation))


def joint_sheet(
    pixels: np.ndarray,
    name: str,
    diagnosis: Diagnosis | Consensus,
    segmentation: Segmentation,
    opacities: tuple[float, float] = (OPACITY, FILL),
    positive: str | None = None,
) -> Image.Image:
    """Put scan, heatmap and mask side by side above both answers, how far they agree, captions and the disclaimer.

    Args:
        pixels: (H, W, 3) uint8 RGB, the scan.
        name: The file's name.
        diagnosis: The classifiers' answer.
        segmentation: What another model marked on it.
        opacities: Of the heatmap and of the mask's inside.
        positive: The classifiers' class that stands for a tumour; None where there is no such one.
    """
    heat, mask = opacities
    pictures = [pixels, overlay(pixels, diagnosis.heatmap, heat), mask_overlay(pixels, segmentation.mask, mask)]
    *answer, caption = diagnosis_lines(diagnosis)
    doubt = contradiction(diagnosis.label, positive, bool(segmentation.regions))
    compared = agreement_words(agreement(diagnosis.heatmap, segmentation.mask), bool(segmentation.regions))
    lines = [name, *standing_lines(diagnosis, segmentation, more=doubt), *answer, *_lines(segmentation), compared]
    below = f"{caption} The mask: {CAPTION[0].lower()}{CAPTION[1:]}"
    return captioned_sheet(pictures, [*lines, below], facts(diagnosis, segmentation, more=doubt))


def _lines(segmentation: Segmentation) -> list[str]:
    return [segmentation.finding, f"Marked by model {segmentation.model}"]


def mask_image(segmentation: Segmentation) -> Image.Image:
    """Return the mask as a grey picture of the scan's size: 0 is background, 255 the last class, others evenly between.

    With two classes that is the usual mask of 0 and 255.
    """
    levels = np.round(np.linspace(0, 255, len(segmentation.classes))).astype(np.uint8)
    picture = Image.fromarray(levels[segmentation.mask])
    picture.info["Facts"] = {**facts(segmentation), "Caption": CAPTION}
    return picture
