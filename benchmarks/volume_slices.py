"""Slices of studies as people export them by hand, to compare with those of `brainseg data cut`.

    brainseg data phantom --out phantom-v --n 320 --size 128 --modality FLAIR --slices-per-subject 4 \
        --difficulty clear --studies 40
    brainseg data cut phantom-v/studies --out phantom-cut --sequence FLAIR --every 2 --keep-names
    python -m benchmarks.volume_slices phantom-v/studies phantom-cut phantom-png
    python -m benchmarks.segmentation phantom-cut
    python -m benchmarks.segmentation phantom-png

Reads the NIfTI files with nibabel alone, turns each axial slice upright and stretches it from its own smallest to its
own largest value, as most scripts do; `data cut` has one window per volume. Both datasets hold the same slices.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image, PngImagePlugin


def export(studies: Path, cut: Path, out: Path) -> int:
    """Write images, masks and a manifest of the slices that `cut` holds, and return how many there are."""
    with (cut / "manifest.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for side in ("images", "masks"):
        (out / side).mkdir(parents=True)
    made = []
    for row in rows:
        study, _, place = row["slice"].rsplit("_", 2)
        image, mask = (_slice(studies / study / f"{study}_{kind}.nii.gz", int(place)) for kind in ("flair", "seg"))
        low, high = image.min(), image.max()
        grey = np.zeros(image.shape) if low == high else (image - low) / (high - low) * 255
        name = f"{row['slice']}.png"
        _save(out / "images" / name, grey.astype(np.uint8))
        _save(out / "masks" / name, (mask * 255).astype(np.uint8))
        made.append([f"images/{name}", f"masks/{name}", row["group"], row["spacing_mm"]])
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["path", "mask", "group", "spacing_mm"], *made])
    return len(made)


def _slice(file: Path, place: int) -> np.ndarray:
    return np.rot90(np.asarray(nib.load(file).dataobj[..., place], np.float64))


def _save(file: Path, pixels: np.ndarray) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Source", "synthetic")
    Image.fromarray(pixels).save(file, pnginfo=notes)


def main() -> None:
    """Export the slices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path)
    parser.add_argument("cut", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    print(f"{export(options.studies, options.cut, options.out)} slices")


if __name__ == "__main__":
    main()
