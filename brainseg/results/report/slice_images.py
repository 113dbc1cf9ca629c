"""The images of a report on one image: the image, its heatmap, and what is marked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.images import heat_colours, overlay, squared
from brainseg.diagnosis.mask_images import class_colour, lay_mask
from brainseg.diagnosis.segmenter import Segmentation
from brainseg.results.report.content import Block, Legend, Picture, Pictures

SIDE = 560
"""Pixels of the side of each image."""


def slice_pictures(
    pixels: NDArray[np.uint8],
    answer: Diagnosis | Consensus | None,
    marked: Segmentation | None,
    opacities: tuple[float, float],
) -> Iterator[Block]:
    """Yield the image, the heatmap alone and laid over it, and the image with the mask, as far as they exist.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        answer: The classifiers' answer; None without one.
        marked: The segmentation model's answer; None without one.
        opacities: Opacity of the heatmap and of the mask's inside, in 0..1.
    """
    square = squared(pixels, SIDE)
    drawn = [Picture(square, "Image", "The image as it was given")]
    if answer:
        heat = squared(answer.heatmap, SIDE)
        looked = f"{answer.heatmap_title}: bright where the model looked, black where it did not"
        drawn.append(Picture(heat_colours(heat), "Heatmap", looked))
        laid = overlay(square, heat, opacities[0])
        drawn.append(Picture(laid, "Overlay", f"The image with the heatmap laid over it: {answer.heatmap_title}"))
    if marked:
        outlined = lay_mask(square, marked.mask, opacities[1])
        drawn.append(Picture(outlined, "Mask", f"The image with the mask laid over it: {marked.finding}"))
    if marked and marked.regions:
        yield Legend(tuple((class_colour(number), name) for number, name in enumerate(marked.areas, start=1)))
    yield Pictures(tuple(drawn))
