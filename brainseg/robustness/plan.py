"""What a robustness check measures; this module imports nothing slow."""

from __future__ import annotations

from dataclasses import dataclass

IMAGES, HEATMAPS, SEED = 200, 32, 0


@dataclass(frozen=True)
class CheckPlan:
    """The size of a robustness check.

    Attributes:
        images: Most held-out images to measure on, drawn at random; all if there are fewer.
        heatmaps: Most of these images whose heatmaps are compared; 0 for none.
        seed: Seed of the draw, and of everything random in the corruptions.
        corruptions: Names of the corruptions, from `corruptions.CORRUPTIONS`; empty for all.
    """

    images: int = IMAGES
    heatmaps: int = HEATMAPS
    seed: int = SEED
    corruptions: tuple[str, ...] = ()
