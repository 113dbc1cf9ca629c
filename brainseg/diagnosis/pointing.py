"""Measures on slices with masks how often a model's heatmap finds the tumour, and sums it up in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import TypedDict

from brainseg.diagnosis.agreement import agreement
from brainseg.diagnosis.methods import METHODS, layer_name
from brainseg.diagnosis.words import percent
from brainseg.evaluation.intervals import wilson
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor

NOT_MEASURED = "It was not measured how often this model's heatmap finds the tumour."


class StoredPointing(TypedDict):
    """A `Pointing` as `heatmaps.json` holds it; `layer` is the name of its stage."""

    slices: int
    hits: int
    pointing_game: float
    interval: tuple[float, float]
    chance: float
    energy_inside: float
    energy_ratio: float
    empty: int
    method: str
    stage: int
    layer: str


@dataclass(frozen=True)
class Pointing:
    """How well a model's heatmaps match the masks of slices that it did not learn from.

    Attributes:
        slices: Slices with a tumour in their mask.
        hits: Slices whose heatmap has its hottest point inside the mask. An empty heatmap counts as a miss.
        pointing_game: hits / slices (Zhang et al. 2018, without their tolerance); NaN without slices.
        interval: Wilson 95 % interval of `pointing_game`; too narrow if several slices are of one patient.
        chance: `pointing_game` of random points: the mean fraction of the image that a mask covers.
        energy_inside: Mean over the slices of the fraction of the heatmap's sum that lies in the mask; 0 for an empty
            heatmap.
        energy_ratio: energy_inside / chance, a ratio of two means; 1 for a uniform heatmap.
        empty: Slices whose heatmap is zero everywhere.
        method: How the heatmaps were drawn, a key of `methods.METHODS`.
        stage: The residual stage that they were taken from.
    """

    slices: int
    hits: int
    pointing_game: float
    interval: tuple[float, float]
    chance: float
    energy_inside: float
    energy_ratio: float
    empty: int
    method: str
    stage: int

    def to_dict(self) -> StoredPointing:
        """Return plain values that JSON can hold."""
        return {
            "slices": self.slices,
            "hits": self.hits,
            "pointing_game": self.pointing_game,
            "interval": self.interval,
            "chance": self.chance,
            "energy_inside": self.energy_inside,
            "energy_ratio": self.energy_ratio,
            "empty": self.empty,
            "method": self.method,
            "stage": self.stage,
            "layer": layer_name(self.stage),
        }


def measure_pointing(predictor: Predictor, slices: Iterable[tuple[Scan, np.ndarray]]) -> Pointing:
    """Measure the heatmap that is shown by default: for the model's decision, by its own method and stage.

    Args:
        predictor: The model.
        slices: Scans with their masks, (H, W), nonzero where the tumour is. Slices without a tumour are left out.
    """
    method, stage = predictor.heatmap_choice()
    maps = ((predictor.diagnose(scan).heatmap, mask) for scan, mask in slices if mask.any())
    return summarise(maps, method, stage)


def summarise(maps: Iterable[tuple[np.ndarray, np.ndarray]], method: str, stage: int) -> Pointing:
    """Count how many heatmaps point into their masks.

    Args:
        maps: Heatmaps, (H, W) float and not negative, with masks of the same size; no mask is empty.
        method: How the heatmaps were drawn.
        stage: The residual stage that they were taken from.
    """
    hits, empty = 0, 0
    covered: list[float] = []
    energies: list[float] = []
    for heatmap, mask in maps:
        found = agreement(heatmap, mask)
        covered.append(float((mask > 0).mean()))
        energies.append(found.energy_inside if found else 0.0)
        empty += found is None
        hits += bool(found and found.hit)
    count = len(covered)
    chance, energy = (float(np.mean(values)) if count else math.nan for values in (covered, energies))
    return Pointing(
        slices=count,
        hits=hits,
        pointing_game=hits / count if count else math.nan,
        interval=wilson(hits, count),
        chance=chance,
        energy_inside=energy,
        energy_ratio=energy / chance if count else math.nan,
        empty=empty,
        method=method,
        stage=stage,
    )


def pointing_sentence(found: StoredPointing | None) -> str:
    """Return a sentence on how often a model's heatmap finds the tumour.

    Args:
        found: The result of `Pointing.to_dict`; None if nothing was measured.
    """
    if not found or not found["slices"]:
        return NOT_MEASURED
    low, high = (percent(bound) for bound in found["interval"])
    return (
        f"The hottest point of this model's heatmap lies inside the tumour on {found['hits']} of {found['slices']} "
        f"slices that it did not learn from ({percent(found['pointing_game'])}, 95 % CI {low} to {high}; a random "
        f"point: {percent(found['chance'])}), measured with {METHODS[found['method']].title} on {found['layer']}."
    )
