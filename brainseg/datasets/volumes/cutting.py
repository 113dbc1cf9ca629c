"""Choose the slices of a study that a dataset gets, and make their pixels as a diagnosis does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainseg.datasets.volumes.loading import LoadedStudy
from brainseg.scans.volumes.slices import PLANES, cut, pixel_spacing, slice_scans
from brainseg.scans.volumes.volume import Volume

DARK = 0.1
"""Slices with less than this fraction of the mean brightness of the brightest slice are outside the head."""


@dataclass(frozen=True, eq=False)
class CutSlice:
    """A slice of a study in one sequence.

    Attributes:
        index: Its place along the plane's axis.
        sequence: As in `LoadedStudy`.
        pixels: (H, W) uint8.
        labels: (H, W) uint8, the mask's values; None without a mask.
        spacing: (row, column) distance of pixel centres in mm; None if unknown.
    """

    index: int
    sequence: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None
    spacing: tuple[float, float] | None


def cut_study(study: LoadedStudy, plane: str, every: int = 1) -> Iterator[CutSlice]:
    """Yield the slices of a study, all sequences of one place after the other's.

    The grey values are those of `slice_scans`, with one window per volume: the same as in a diagnosis. Slices outside
    the head are left out, but never one on which something is marked.

    Args:
        study: The study.
        plane: A key of `PLANES`.
        every: Take each so-many-th slice of those inside the head; slices with marks count like others.
    """
    greys = {name: _greys(volume, plane) for name, volume in study.volumes.items()}
    inside = _inside(list(greys.values()))
    marked = np.zeros(len(inside), bool) if study.mask is None else _marked(study.mask, plane)
    spacing = pixel_spacing(next(iter(study.volumes.values())), plane)
    for index in np.flatnonzero(inside | marked)[::every].tolist():
        labels = None if study.mask is None else np.ascontiguousarray(cut(study.mask, plane, index))
        for name, slices in greys.items():
            yield CutSlice(index, name, slices[index], labels, spacing)


def _greys(volume: Volume, plane: str) -> list[NDArray[np.uint8]]:
    return [np.ascontiguousarray(scan.pixels[..., 0]) for scan in slice_scans(volume, plane)]


def _inside(greys: list[list[NDArray[np.uint8]]]) -> NDArray[np.bool_]:
    """Return which slices show the head: those that are bright enough in any sequence."""
    means = np.array([[grey.mean() for grey in slices] for slices in greys])
    bright: NDArray[np.bool_] = (means >= DARK * means.max(axis=1, keepdims=True)).any(axis=0) & (means.max() > 0)
    return bright


def _marked(mask: NDArray[np.uint8], plane: str) -> NDArray[np.bool_]:
    others = tuple(axis for axis in range(3) if axis != PLANES[plane])
    return np.asarray(mask.any(axis=others))
