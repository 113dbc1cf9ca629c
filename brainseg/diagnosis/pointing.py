"""Measures on slices with masks how often a model's heatmap finds the tumour, and sums it up in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NotRequired

import numpy as np
from typing_extensions import TypedDict

from brainseg.diagnosis.agreement import agreement
from brainseg.diagnosis.methods import drawn_by, layer_name
from brainseg.diagnosis.words import percent
from brainseg.evaluation.bootstrap import patient_intervals
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.undefined import ratio
from brainseg.models.validation import Interval
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor

SEED = 0
"""Seed of the bootstrap."""
NOT_MEASURED = "It was not measured how often this model's heatmap finds the tumour."


class StoredPointing(TypedDict):
    """A `Pointing` as `heatmaps.json` holds it; `layer` is the name of its stage.

    Files of version 1 lack `groups` and `intervals`.
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
    layer: str
    groups: NotRequired[int]
    intervals: NotRequired[dict[str, Interval]]


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
        groups: Patients and groups of copies that the slices are of.
        intervals: 95 % intervals of `pointing_game`, `energy_inside` and `energy_ratio` by bootstrap over those groups;
            None with fewer than two.
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
    groups: int = 0
    intervals: Mapping[str, Interval] = field(default_factory=dict)

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
            "groups": self.groups,
            "intervals": dict(self.intervals),
        }


def measure_pointing(
    predictor: Predictor,
    slices: Iterable[tuple[Scan, np.ndarray]],
    groups: Sequence[int] | None = None,
) -> Pointing:
    """Measure the heatmap that is shown by default: for the model's decision, by its own method and stage.

    Args:
        predictor: The model.
        slices: Scans with their masks, (H, W), nonzero where the tumour is; none is empty.
        groups: The patient or group of copies of each slice; by default, each slice is a group of its own.
    """
    method, stage = predictor.heatmap_choice()
    maps = ((predictor.diagnose(scan).heatmap, mask) for scan, mask in slices)
    return summarise(maps, method, stage, groups)


def summarise(
    maps: Iterable[tuple[np.ndarray, np.ndarray]], method: str, stage: int, groups: Sequence[int] | None = None
) -> Pointing:
    """Count how many heatmaps point into their masks.

    Args:
        maps: Heatmaps, (H, W) float and not negative, with masks of the same size; no mask is empty.
        method: How the heatmaps were drawn.
        stage: The residual stage that they were taken from.
        groups: The patient or group of copies of each map; by default, each is a group of its own.
    """
    empty = 0
    covered: list[float] = []
    energies: list[float] = []
    hit: list[bool] = []
    for heatmap, mask in maps:
        found = agreement(heatmap, mask)
        covered.append(float((mask > 0).mean()))
        energies.append(found.energy_inside if found else 0.0)
        empty += found is None
        hit.append(bool(found and found.hit))
    count, hits = len(covered), sum(hit)
    codes = np.unique(np.arange(count) if groups is None else np.asarray(groups), return_inverse=True)[1]
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
        groups=len(np.unique(codes)),
        intervals=_intervals(hit, energies, covered, codes),
    )


def _intervals(
    hit: Sequence[bool], energies: Sequence[float], covered: Sequence[float], groups: np.ndarray
) -> dict[str, Interval]:
    """Return the intervals of the three metrics by bootstrap over groups; see `Pointing.intervals`."""
    count = int(groups.max(initial=-1)) + 1
    columns = (np.ones(len(hit)), np.array(hit, dtype=np.float64), np.array(energies), np.array(covered))
    sums = np.column_stack([np.bincount(groups, each, count) for each in columns])

    def derive(totals: np.ndarray) -> dict[str, np.ndarray]:
        slices, hits, energy, area = totals.T
        return {
            "pointing_game": ratio(hits, slices),
            "energy_inside": ratio(energy, slices),
            "energy_ratio": ratio(energy, area),
        }

    return dict(patient_intervals(sums, derive, SEED))


def pointing_interval(found: StoredPointing) -> tuple[float, float]:
    """Return the 95 % interval of the pointing game: by bootstrap over patients if several slices are of one.

    If all slices hit or all miss, the bootstrap would give no width, and Wilson's interval is the better one.
    """
    by_patient = found.get("intervals", {}).get("pointing_game")
    if by_patient and by_patient[0] < by_patient[1] and found.get("groups", 0) < found["slices"]:
        return by_patient
    return found["interval"]


def pointing_sentence(found: StoredPointing | None) -> str:
    """Return a sentence on how often a model's heatmap finds the tumour.

    Args:
        found: The result of `Pointing.to_dict`; None if nothing was measured.
    """
    if not found or not found["slices"]:
        return NOT_MEASURED
    low, high = (percent(bound) for bound in pointing_interval(found))
    return (
        f"The hottest point of this model's heatmap lies inside the tumour on {found['hits']} of {found['slices']} "
        f"slices that it did not learn from ({percent(found['pointing_game'])}, 95 % CI {low} to {high}; a random "
        f"point: {percent(found['chance'])}), measured with {drawn_by(found['method'], found['stage'])}."
    )
