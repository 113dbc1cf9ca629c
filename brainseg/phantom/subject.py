"""One synthetic person and the slices through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brainseg.phantom.anatomy import Anatomy
from brainseg.phantom.contrast import MODALITIES, Scanner, acquire, soften, tissue_signals, to_grey
from brainseg.phantom.fields import upsample
from brainseg.phantom.head import SCALP_REACH_MM, HeadShape, Layer
from brainseg.phantom.lesions import (
    CLEAR_KINDS,
    KINDS,
    MAX_DIAMETER_MM,
    MIN_DIAMETER_MM,
    HardNegatives,
    Kind,
    Tumour,
)
from brainseg.phantom.templates import load_templates

PLANES = ("axial", "coronal", "sagittal")
"""The planes a slice can lie in."""

SLICES_PER_SUBJECT = 2
"""Slices of one synthetic person, unless said otherwise: several, yet few, since people teach more than slices."""

_NORMAL = {"sagittal": 0, "coronal": 1, "axial": 2}
_CENTRE = {"sagittal": (0.0, -14.0, 2.0), "coronal": (0.0, 0.0, 2.0), "axial": (0.0, -17.0, 0.0)}
_MIN_PIXELS = 8
_COARSE = 64  # smooth maps are evaluated on this many points a side, then enlarged


@dataclass(frozen=True)
class SlicePlan:
    """Where one slice lies and how it is acquired; `position_mm` is along the plane's normal, scanner space."""

    position_mm: float
    modality: str
    noise: np.random.SeedSequence


@dataclass(frozen=True, eq=False)
class Subject:
    """One person on one scanner. `tumour` is what grows there; `has_tumour` says whether it is drawn.

    Everything is drawn in the same way for both classes, the would-be tumour included: the slices of a person without a
    tumour lie where they would with one, and nothing but the tumour itself tells the classes apart.
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
        """Pixel spacing in mm, to a tenth of a micrometre: what is written is what was used."""
        return round(self.scanner.fov_mm / self.size, 4)


@dataclass(frozen=True, eq=False)
class SliceAnatomy:
    """Tissue at the pixels of one slice, before any scanner has looked at it.

    Attributes:
        layers: (tissue, share) painted in this order; shares are float32 (n,) over the pixels where `head` is true.
        head: bool (size, size).
        mask: The tumour, bool (size, size).
        bias: Coil sensitivity, float32 (size, size).
        areas_mm2: Visible area of each family of hard negatives.
    """

    layers: list[Layer]
    head: np.ndarray
    mask: np.ndarray
    bias: np.ndarray
    areas_mm2: dict[str, float]


@dataclass(frozen=True, eq=False)
class PhantomSlice:
    """One finished slice.

    Attributes:
        image: uint8 (size, size). Axial and coronal: the person's right on the image's left; sagittal: nose left.
        mask: The tumour, bool (size, size), same grid.
        tumour_area_mm2: Mask pixels times pixel area.
        areas_mm2: Visible area in mm² of each family of hard negatives.
    """

    image: np.ndarray
    mask: np.ndarray
    spacing_mm: float
    modality: str
    plane: str
    position_mm: float
    tumour_area_mm2: float
    areas_mm2: dict[str, float]


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
    """Draw one person: a few milliseconds, no pixels yet.

    Args:
        seed: Decides everything; the same seed with the other `has_tumour` gives the same person without or with it.
        has_tumour: Whether the tumour is drawn.
        plane: One of `PLANES`, or "mixed" to draw it.
        modalities: Which of `MODALITIES` the slices take turns in.
        slices: How many slices.
        size: Pixels a side.
        clear: Draw a large, bright tumour in a brain without look-alikes.
    """
    templates = load_templates()
    # The parent's children are counted from its state: a copy keeps a second call with the same seed the same.
    fresh = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
    streams = fresh.spawn(5 + slices)
    body, growth, machine, choice = (np.random.default_rng(stream) for stream in streams[:4])
    plane = str(choice.choice(PLANES)) if plane == "mixed" else plane
    normal = _NORMAL[plane]
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
    """Draw a tumour that can be seen, and positions at which its area is at least `least` mm²."""
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
    """Return one position a slice, spread over the offsets at which the tumour is visible."""
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
    return float(anatomy.holds(head, load_templates()).sum() * step**2)


def slice_points(plane: str, position: float, fov: float, size: int) -> np.ndarray:
    """Return the scanner positions in mm, float32 (size, size, 3), of the pixel centres of a slice."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) / size - 0.5) * np.float32(fov)
    points = np.empty((size, size, 3), np.float32)
    centre = np.array(_CENTRE[plane], np.float32)
    normal = _NORMAL[plane]
    down, right = {"axial": (1, 0), "coronal": (2, 0), "sagittal": (2, 1)}[plane]
    points[..., down] = centre[down] - line[:, None]
    points[..., right] = centre[right] - line[None, :]
    points[..., normal] = position
    return points


def slice_anatomy(subject: Subject, position: float) -> SliceAnatomy:
    """Return what lies at each pixel of the slice at `position` (mm along the normal)."""
    templates, size, fov = load_templates(), subject.size, subject.spacing_mm * subject.size
    points = slice_points(subject.plane, position, fov, size)
    coarse = slice_points(subject.plane, position, fov, min(size, _COARSE))
    tumour = subject.tumour if subject.has_tumour else None
    warped = subject.anatomy.to_template(coarse, templates, tumour.push if tumour else None)
    maps = upsample(np.concatenate([warped - np.tile(coarse, 2), _stack(subject, warped)], -1), size)
    head_mask = maps[..., 7] < SCALP_REACH_MM
    if subject.plane != "axial":
        head_mask |= points[..., 2] < -30
    where, shift = points[head_mask], maps[head_mask]
    head, brain = where + shift[:, :3], where + shift[:, 3:6]
    profile = {name: shift[:, 8 + i] for i, name in enumerate(_PROFILE)}
    hull = templates.hull.at(head)
    layers = subject.head.layers(head, hull, profile)
    core = np.flatnonzero(hull < 3)
    where, head, brain, hull = where[core], head[core], brain[core], hull[core]
    own, white, fluid = subject.anatomy.layers(where, brain, hull, templates)
    families = subject.negatives.layers(where, brain, hull, white, fluid, templates)
    inner = own + [layer for family in families.values() for layer in family]
    layers += [(tissue, _spread(share, core, len(shift))) for tissue, share in inner]
    pixel = subject.spacing_mm**2
    areas = {name: float(np.maximum.reduce([share for _, share in f]).sum() * pixel) for name, f in families.items()}
    mask = np.zeros((size, size), bool)
    if tumour:
        near = tumour.near(where)
        distance, within = tumour.distance(where[near]), subject.anatomy.holds(head[near], templates)
        grown = tumour.layers(where[near], distance, within.astype(np.float32), white[near], fluid[near])
        layers += [(tissue, _spread(share, core[near], len(shift))) for tissue, share in grown]
        mask[head_mask] = _spread((distance < 0) & within, core[near], len(shift))
    return SliceAnatomy(layers, head_mask, mask, maps[..., 6], areas)


def _spread(values: np.ndarray, index: np.ndarray, length: int) -> np.ndarray:
    """Return an array of `length` with `values` at `index` and zeros elsewhere."""
    full = np.zeros(length, values.dtype)
    full[index] = values
    return full


_PROFILE = ("fluid", "inner", "marrow", "sinus", "outer", "muscle", "fat")


def _stack(subject: Subject, warped: np.ndarray) -> np.ndarray:
    """Return the coil's sensitivity, the hull's distance and the head's thickness maps, (n, n, 9)."""
    profile = subject.head.profile(warped[..., :3])
    bias = subject.scanner.bias_at(warped[..., :3])
    hull = load_templates().hull.at(warped[..., :3])
    return np.stack([bias, hull, *(profile[name] for name in _PROFILE)], -1).astype(np.float32)


def paint(anatomy: SliceAnatomy, subject: Subject, modality: str) -> np.ndarray:
    """Return the noise-free signal, float32 (size, size), with white matter at 1."""
    signals = tissue_signals(subject.scanner.protocols[modality])
    values = np.zeros(int(anatomy.head.sum()), np.float32)
    for tissue, share in anatomy.layers:
        values += share * (np.float32(signals[tissue]) - values)
    image = np.zeros(anatomy.head.shape, np.float32)
    image[anatomy.head] = values
    return soften(image * anatomy.bias, 0.45)


def render_slice(subject: Subject, index: int) -> PhantomSlice:
    """Draw one of a subject's slices (0 to `len(subject.slices) - 1`)."""
    plan = subject.slices[index]
    anatomy = slice_anatomy(subject, plan.position_mm)
    signal = paint(anatomy, subject, plan.modality)
    magnitude = acquire(signal, subject.scanner, np.random.default_rng(plan.noise))
    return PhantomSlice(
        image=to_grey(magnitude, subject.scanner.protocols[plan.modality]),
        mask=anatomy.mask,
        spacing_mm=subject.spacing_mm,
        modality=plan.modality,
        plane=subject.plane,
        position_mm=plan.position_mm,
        tumour_area_mm2=float(anatomy.mask.sum()) * subject.spacing_mm**2,
        areas_mm2=anatomy.areas_mm2,
    )
