"""Slices and pictures for `benchmarks.guard_fit`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.guard_slices import NOT_A_HEAD, kept_apart
from brainseg.errors import ScanError
from brainseg.phantom import MODALITIES, PLANES, make_subject, render_slice
from brainseg.scans import read_scan

LARGEST = 512
"""Longer side of a picture, in pixels."""
SMALLEST = 64
"""Shorter side of a picture below which it is left out, in pixels."""
PHANTOM = 400
CLASSES_OF_FOUR = 2000
"""Slices of mc7023/Training."""


def fitted_slices(data: Path, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield slices to fit, (H, W, 3) uint8, each with the number of altered versions that it should get.

    Those of mc7023 are from its folder Training, and those of kaggle253 and lgg_pairs are not `kept_apart`.
    """
    rng = np.random.default_rng(seed)
    for file in sorted((data / "kaggle253").glob("*/*")):
        if file.name != NOT_A_HEAD and not kept_apart(file) and (pixels := _readable(file)) is not None:
            yield 10, pixels
    four = sorted((data / "mc7023" / "Training").glob("*/*.jpg"))
    for number in rng.permutation(len(four))[:CLASSES_OF_FOUR]:
        if (pixels := _readable(four[number])) is not None:
            yield 3, pixels
    with (data / "lgg_pairs" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if not kept_apart(data / "lgg_pairs" / row["path"])]
    for row in rows:
        if (pixels := _readable(data / "lgg_pairs" / row["path"])) is not None:
            channel = int(rng.integers(3))
            yield 3, pixels
            yield 3, np.repeat(pixels[..., channel : channel + 1], 3, axis=2)
    yield from ((6, pixels) for pixels in _volumes(data / "brats_nifti", rng))
    for number in range(PHANTOM):
        plane, modality = PLANES[int(rng.integers(len(PLANES)))], MODALITIES[int(rng.integers(len(MODALITIES)))]
        subject = make_subject(
            np.random.SeedSequence([seed, number]),
            has_tumour=bool(number % 2),
            plane=plane,
            modalities=(modality,),
            slices=1,
            size=int(rng.choice([128, 192])),
        )
        yield 4, np.repeat(render_slice(subject, 0).image[..., None], 3, axis=2)


def _readable(file: Path) -> np.ndarray | None:
    try:
        return read_scan(file).pixels
    except ScanError:
        return None


def _volumes(folder: Path, rng: np.random.Generator) -> Iterator[np.ndarray]:
    import nibabel

    for file in sorted(folder.rglob("*_bet.nii.gz")):
        volume = np.asarray(nibabel.Nifti1Image.from_filename(file).dataobj).astype(np.float32)
        volume = (volume / np.percentile(volume[volume > 0], 99.5)).clip(0, 1) * 255
        for axis in range(3):
            filled = (volume > 0).sum(axis=tuple(other for other in range(3) if other != axis))
            for number in rng.choice(np.flatnonzero(filled > 0.35 * filled.max()), 14, replace=False):
                section = np.rot90(np.take(volume, number, axis)).astype(np.uint8)
                yield np.repeat(section[..., None], 3, axis=2)


def pictures(folders: list[Path]) -> Iterator[tuple[bool, np.ndarray]]:
    """Yield each picture in the folders in grey, (H, W, 3) uint8, and whether it is opaque, as photographs are.

    What is transparent is laid on black and again on white.
    """
    for folder in folders:
        for file in sorted(file for file in folder.rglob("*") if file.suffix in (".png", ".jpg", ".jpeg", ".webp")):
            with Image.open(file) as image:
                whole = image.convert("RGBA")
            if min(whole.size) < SMALLEST:
                continue
            whole.thumbnail((3 * LARGEST, 3 * LARGEST))
            opaque = bool(np.asarray(whole)[..., 3].min() == 255)
            for back in (0,) if opaque else (0, 255):
                ground = Image.new("RGBA", whole.size, (back, back, back, 255))
                ground.alpha_composite(whole)
                grey = cv2.cvtColor(np.asarray(ground.convert("RGB")), cv2.COLOR_RGB2GRAY)
                yield opaque, np.repeat(grey[..., None], 3, axis=2)
