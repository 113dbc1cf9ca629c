"""How well a classifier's heatmap agrees with a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg.diagnosis.words import percent


@dataclass(frozen=True)
class Agreement:
    """How well a heatmap agrees with a mask.

    Attributes:
        energy_inside: Fraction of the heatmap's sum that lies in the mask, 0..1 (the energy-based pointing game of Wang
            et al. 2020, "Score-CAM").
        chance: `energy_inside` of a uniform heatmap, which is the fraction of the image that the mask covers.
        hit: Whether a highest point of the heatmap lies in the mask (the pointing game of Zhang et al. 2018, "Top-down
            Neural Attention by Excitation Backprop", without their tolerance of 15 pixels).
    """

    energy_inside: float
    chance: float
    hit: bool


def agreement_sentence(found: Agreement | None, marks: bool) -> str:
    """Return a sentence on how well a heatmap and a mask agree, or on why they are not compared.

    Args:
        found: From `agreement`.
        marks: Whether the mask marks anything.
    """
    if found is None:
        why = "The heatmap is empty" if marks else "Nothing is marked"
        return f"{why}, so heatmap and mask are not compared."
    return (
        f"{percent(found.energy_inside)} of the heatmap falls inside the mask (chance: {percent(found.chance)}); "
        f"its peak is {'inside' if found.hit else 'outside'}."
    )


def agreement(heatmap: np.ndarray, mask: np.ndarray) -> Agreement | None:
    """Compare a heatmap with a mask; return None if either is empty.

    Args:
        heatmap: (H, W) float, not negative.
        mask: (H, W), of the same size; nonzero where the tumour is.

    Raises:
        ValueError: The sizes differ.
    """
    if heatmap.shape != mask.shape:
        raise ValueError(f"heatmap and mask must have the same size, got {heatmap.shape} and {mask.shape}.")
    inside, total = mask > 0, float(heatmap.sum(dtype=np.float64))
    if not inside.any() or total <= 0:
        return None
    energy = float(heatmap[inside].sum(dtype=np.float64)) / total
    return Agreement(energy, float(inside.mean()), bool(heatmap[inside].max() == heatmap.max()))
