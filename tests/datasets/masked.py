"""Small datasets with masks, written to disk."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 24


def picture(name: str, side: int = SIDE, channels: int = 1) -> np.ndarray:
    """A bright noisy square on black, different for each name."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    image = np.zeros((side, side, channels), np.uint8)
    image[4:-4, 4:-4] = random.integers(90, 160, (side - 8, side - 8, channels))
    return image[..., 0] if channels == 1 else image


def spot(side: int = SIDE, value: int = 255) -> np.ndarray:
    """A mask of 5 x 4 pixels."""
    mask = np.zeros((side, side), np.uint8)
    mask[8:13, 10:14] = value
    return mask


def save(file: Path, pixels: np.ndarray) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


def write_pairs(root: Path, names: list[str], suffix: str = ".png") -> Path:
    """`images/` and `masks/`; every second mask is empty."""
    for number, name in enumerate(names):
        save(root / "images" / f"{name}{suffix}", picture(name))
        save(root / "masks" / f"{name}.png", spot() * (number % 2 == 0))
    return root


def write_lgg(root: Path, slices: int = 3, without: dict[str, tuple[int, ...]] | None = None) -> Path:
    """The layout of TCGA-LGG for two patients; `without` names channels that FLAIR replaces."""
    for patient in ("TCGA_AA_0001_19990101", "TCGA_BB_0002_20000202"):
        for number in range(1, slices + 1):
            name = f"{patient}_{number}"
            image = picture(name, channels=3)
            for channel in (without or {}).get(patient, ()):
                image[..., channel] = image[..., 1]
            save(root / patient / f"{name}.tif", image)
            save(root / patient / f"{name}_mask.tif", spot() * (number == 2))
    return root


def write_manifest(root: Path, rows: list[dict[str, object]], name: str = "manifest.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    with (root / name).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root


def write_modalities(root: Path, lacking: tuple[str, int, str] | None = None) -> Path:
    """Two patients with two slices each, with T1, T1ce and FLAIR in separate files."""
    rows = []
    for patient in ("a", "b"):
        for number in (0, 1):
            save(root / f"m/{patient}{number}.png", spot() * number)
            for modality in ("T1", "t1c", "Flair"):
                if (patient, number, modality) == lacking:
                    continue
                path = f"{patient}_{number}_{modality}.png"
                save(root / path, picture(path))
                row = {"path": path, "mask": f"m/{patient}{number}.png", "group": patient, "slice": number}
                rows.append({**row, "modality": modality, "spacing_mm": "0.9 0.8"})
    return write_manifest(root, rows)
