"""Draw one subject as volumes on one grid, to test the reading of NIfTI files."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from brainseg.phantom.acquisition import MODALITIES, acquire
from brainseg.phantom.slices import paint, slice_anatomy, slice_points
from brainseg.phantom.subject import Subject

_HEIGHTS_MM = (-64.0, 101.0)
_THICKNESS_MM = 3.0
_WHITE = 1000  # stored value of white matter, before bias and noise


def make_volumes(subject: Subject, pool: Executor) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Draw a subject's axial volumes.

    Returns:
        An int16 volume (x, y, z) for each of `MODALITIES`, the tumour's mask as uint8 0/1 on the same grid, and the
        affine (4, 4) from voxel to scanner position in mm, RAS+.
    """
    axial = replace(subject, plane="axial")
    heights = np.arange(*_HEIGHTS_MM, _THICKNESS_MM)
    seeds = _copy(subject.volume_noise).spawn(len(heights))
    slabs = list(pool.map(lambda pair: _slab(axial, *pair), zip(heights, seeds, strict=True)))
    volumes = {modality: np.stack([images[i] for images, _ in slabs], -1) for i, modality in enumerate(MODALITIES)}
    first = slice_points("axial", heights[0], axial.spacing_mm * axial.size, axial.size)[-1, -1]
    affine = np.diag([axial.spacing_mm, axial.spacing_mm, _THICKNESS_MM, 1.0])
    affine[:3, 3] = first
    return volumes, np.stack([mask for _, mask in slabs], -1), affine


def _slab(subject: Subject, height: float, seed: np.random.SeedSequence) -> tuple[list[np.ndarray], np.ndarray]:
    """Return one axial slice in every sequence as int16 (x, y), and its mask as uint8 (x, y)."""
    anatomy = slice_anatomy(subject, float(height))
    rng = np.random.default_rng(seed)
    images = [acquire(paint(anatomy, subject, modality), subject.scanner, rng) for modality in MODALITIES]
    # Slices run from front to back and from the person's right to the left; RAS+ runs the other way in both.
    turned = [np.rint(np.clip(image * _WHITE, 0, 32000)).astype(np.int16)[::-1, ::-1].T for image in images]
    return turned, anatomy.mask[::-1, ::-1].T.astype(np.uint8)


def _copy(seed: np.random.SeedSequence) -> np.random.SeedSequence:
    """Return a copy of a seed without children, so a second call gives the same children."""
    return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size)
