"""A synthetic person and the slices through that person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brainseg.phantom.acquisition import MODALITIES, Scanner
from brainseg.phantom.anatomy import Anatomy
from brainseg.phantom.hard_negatives import HardNegatives
from brainseg.phantom.head import HeadShape
from brainseg.phantom.lesions import (
    CLEAR_KINDS,
    KINDS,
    MAX_DIAMETER_MM,
    MIN_DIAMETER_MM,
    Kind,
    Tumour,
)
from brainseg.phantom.templates import load_templates

PLANES = ("axial", "coronal", "sagittal")
"""The possible planes of a slice."""

SLICES_PER_SUBJECT = 2
"""Default number of slices per synthetic person; small, because a model learns more from more people."""

NORMAL = {"sagittal": 0, "coronal": 1, "axial": 2}
_MIN_PIXELS = 8


@dataclass(frozen=True)
class SlicePlan:
    """Position and acquisition of one slice; `position_mm` is along the plane's normal in scanner space."""

    position_mm: float
    modality: str
    noise: np.random.SeedSequence


@dataclass(frozen=True, eq=False)
class Subject:
    """One person on one scanner. Every subject has a `tumour`; `has_tumour` says whether it is visible.

    Everything, including the tumour, is drawn in the same way for both classes. The slices of a person without a tumour
    have the same positions as with one, and only the tumour itself distinguishes the classes.
    """

    plane: str
    size: int
    anatomy: Anatomy
    head: HeadShape
    scanner: Scanner
    negatives: HardNegatives
    tumour: Tumour
    has_tumour: bool
    slices: tuple[SlicePlan, ...]
    volume_noise: np.random.SeedSequence

    @property
    def spacing_mm(self) -> float:
        """Pixel spacing in mm, rounded to a tenth of a micrometre, so the stored value is the one used."""
        return round(self.scanner.fov_mm / self.size, 4)


def make_subject(
    seed: np.random.SeedSequence,
    *,
    has_tumour: bool,
    plane: str = "axial",
    modalities: tuple[str, ...] = MODALITIES,
    slices: int = SLICES_PER_SUBJECT,
    size: int = 256,
    clear: bool = False,
) -> Subject:
    """Draw one person, without pixels; this takes a few milliseconds.

    Args:
        seed: Determines everything; the same seed with and without `has_tumour` gives the same person.
        has_tumour: Whether the tumour is visible.
        plane: One of `PLANES`, or "mixed" for a random one.
        modalities: The sequences (of `MODALITIES`) that the slices take in turn.
        slices: Number of slices.
        size: Pixels per side.
        clear: Draw a large, bright tumour in a brain without structures that look like tumours.
    """
    templates = load_templates()
    # `spawn` changes the state of a seed; a copy makes a second call with the same seed give the same result.
    fresh = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    streams = fresh.spawn(5 + slices)
    body, growth, machine, choice = (np.random.default_rng(stream) for stream in streams[:4])
    plane = str(choice.choice(PLANES)) if plane == "mixed" else plane
    normal = NORMAL[plane]
    anatomy, scanner = Anatomy.draw(body), Scanner.draw(machine)
    head = HeadShape.draw(body, anatomy.atrophy)
    pixel = (scanner.fov_mm / size) ** 2
    least = max(np.pi / 4 * (MIN_DIAMETER_MM + 0.2) ** 2, _MIN_PIXELS * pixel)
    kinds = CLEAR_KINDS if clear else KINDS
    tumour, positions = _grow(growth, anatomy, normal, least, slices, scanner.fov_mm / size, kinds)
    order = choice.permutation(modalities)
    plans = tuple(
        SlicePlan(position, str(order[i % len(order)]), stream)
        for i, (position, stream) in enumerate(zip(positions, streams[5:], strict=True))
    )
    negatives = HardNegatives.draw(body, anatomy, templates, tumour.centre, normal)
    negatives = negatives.mild() if clear else negatives
    return Subject(plane, size, anatomy, head, scanner, negatives, tumour, has_tumour, plans, streams[4])


def _grow(
    rng: np.random.Generator,
    anatomy: Anatomy,
    normal: int,
    least: float,
    slices: int,
    spacing: float,
    kinds: Mapping[str, Kind],
) -> tuple[Tumour, list[float]]:
    """Draw a visible tumour, and slice positions at which its area is at least `least` mm²."""
    templates = load_templates()
    smallest = 1.25 * 2 * np.sqrt(least / np.pi)
    most = np.pi / 4 * (MAX_DIAMETER_MM - 0.5) ** 2
    for _ in range(20):
        tumour = Tumour.draw(rng, anatomy, templates, normal, smallest, kinds)
        step = max(tumour.diameter_mm / 10, 0.4)
        offsets = tumour.centre[normal] + step * np.arange(-7, 8)
        areas = np.array([_tumour_area(tumour, anatomy, normal, p, spacing) for p in offsets])
        seen = (areas >= max(1.15 * least, 0.3 * areas.max())) & (areas <= most)
        if seen.sum() >= 3:
            return tumour, _positions(rng, offsets[seen], slices)
    raise RuntimeError("no visible tumour in 20 draws")


def _positions(rng: np.random.Generator, offsets: np.ndarray, slices: int) -> list[float]:
    """Return one position per slice, distributed over the offsets at which the tumour is visible."""
    places = (np.arange(slices) + rng.uniform(0.2, 0.8, slices)) / slices * (len(offsets) - 1)
    return [float(position) for position in np.interp(places, np.arange(len(offsets)), offsets)]


def _tumour_area(tumour: Tumour, anatomy: Anatomy, normal: int, position: float, spacing: float) -> float:
    """Return the area (mm²) of a tumour's cross-section inside the brain."""
    reach = tumour.diameter_mm * 1.1
    step = max(min(spacing, tumour.diameter_mm / 12), 0.5)
    line = np.arange(-reach, reach + step, step, dtype=np.float32)
    points = np.empty((len(line) ** 2, 3), np.float32)
    first, second = (i for i in range(3) if i != normal)
    points[:, first] = np.repeat(line, len(line)) + tumour.centre[first]
    points[:, second] = np.tile(line, len(line)) + tumour.centre[second]
    points[:, normal] = position
    points = points[tumour.distance(points) < 0]
    if len(points) == 0:
        return 0.0
    head = anatomy.to_template(points, load_templates())[:, :3]
    return float(anatomy.is_brain(head, load_templates()).sum() * step**2)
