"""Reading a folder of images with Pillow in one process, one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def read_folder(folder: Path, size: int) -> tuple[np.ndarray, list[str]]:
    """Return (N, size, size, 3) uint8 images and their labels, the names of their folders."""
    images, labels = [], []
    for file in sorted(each for each in folder.rglob("*") if each.suffix.lower() in (".jpg", ".jpeg", ".png")):
        images.append(np.asarray(Image.open(file).convert("RGB").resize((size, size))))
        labels.append(file.parent.name)
    return np.stack(images), labels


def side(turns: Turns, data: str, size: int) -> None:
    """Read the folder once a turn."""
    for _ in turns:
        with clock() as timing:
            images, _ = read_folder(Path(data), size)
        turns.report(timing, images=len(images))
