"""Slices through a synthetic person: the tissue at each pixel, and the image that a scanner makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg.phantom.acquisition import acquire, blur, tissue_signals, to_grey
from brainseg.phantom.fields import upsample
from brainseg.phantom.head import SCALP_REACH_MM, Layer
from brainseg.phantom.subject import NORMAL, Subject
from brainseg.phantom.templates import load_templates

_CENTRE = {"sagittal": (0.0, -14.0, 2.0), "coronal": (0.0, 0.0, 2.0), "axial": (0.0, -17.0, 0.0)}

_COARSE = 64  # smooth maps are evaluated on this many points per side, then enlarged


@dataclass(frozen=True, eq=False)
class SliceAnatomy:
    """Tissue at the pixels of one slice, before the acquisition.

    Attributes:
        layers: (tissue, fraction) painted in this order; fractions are float32 (n,) over the pixels in `head`.
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
        image: uint8 (size, size). Axial and coronal: the person's right is on the image's left; sagittal: nose left.
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


def slice_points(plane: str, position: float, fov: float, size: int) -> np.ndarray:
    """Return the scanner positions in mm, float32 (size, size, 3), of the pixel centres of a slice."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) / size - 0.5) * np.float32(fov)
    points = np.empty((size, size, 3), np.float32)
    centre = np.array(_CENTRE[plane], np.float32)
    normal = NORMAL[plane]
    down, right = {"axial": (1, 0), "coronal": (2, 0), "sagittal": (2, 1)}[plane]
    points[..., down] = centre[down] - line[:, None]
    points[..., right] = centre[right] - line[None, :]
    points[..., normal] = position
    return points


def slice_anatomy(subject: Subject, position: float) -> SliceAnatomy:
    """Return the tissue at each pixel of the slice at `position` (mm along the normal)."""
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
    layers += [(tissue, _scatter(fraction, core, len(shift))) for tissue, fraction in inner]
    pixel = subject.spacing_mm**2
    areas = {name: float(np.maximum.reduce([part for _, part in f]).sum() * pixel) for name, f in families.items()}
    mask = np.zeros((size, size), bool)
    if tumour:
        near = tumour.near(where)
        distance, within = tumour.distance(where[near]), subject.anatomy.is_brain(head[near], templates)
        grown = tumour.layers(where[near], distance, within.astype(np.float32), white[near], fluid[near])
        layers += [(tissue, _scatter(fraction, core[near], len(shift))) for tissue, fraction in grown]
        mask[head_mask] = _scatter((distance < 0) & within, core[near], len(shift))
    return SliceAnatomy(layers, head_mask, mask, maps[..., 6], areas)


def _scatter(values: np.ndarray, index: np.ndarray, length: int) -> np.ndarray:
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
    for tissue, fraction in anatomy.layers:
        values += fraction * (np.float32(signals[tissue]) - values)
    image = np.zeros(anatomy.head.shape, np.float32)
    image[anatomy.head] = values
    return blur(image * anatomy.bias, 0.45)


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
