"""Slices of brain MRI for `benchmarks.guard`, and which ones `benchmarks.guard_fit` never sees."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import yaml
from PIL import Image, ImageDraw

from brainseg.errors import ScanError
from brainseg.scans import read_scan

Picture = tuple[str, np.ndarray]
"""Kind and (H, W, 3) uint8 pixels."""
SOURCES = {
    "kaggle253": ("kaggle253/yes", "kaggle253/no"),
    "mc7023": tuple(f"mc7023/Testing/{name}" for name in ("glioma", "meningioma", "notumor", "pituitary")),
    "lgg, colour": ("lgg_pairs/images",),
}
NOT_A_HEAD = "Y248.JPG"
"""An abdomen that lies among the tumours of Kaggle-253."""


def kept_apart(file: Path) -> bool:
    """Return whether a slice is never fitted: all of mc7023/Testing, of other folders about half.

    The patient, or else the SHA-256 of the file, decides, so that all slices of a patient and all copies of a file are
    on the same side.
    """
    if file.parent.parent.name == "Testing":
        return True
    patient = "_".join(file.name.split("_")[:-1]) if file.name.startswith("TCGA_") else ""
    key = patient or hashlib.sha256(file.read_bytes()).hexdigest()
    return hashlib.sha256(key.encode()).digest()[0] % 2 == 0


def slices(data: Path, each: int, seed: int = 0) -> Iterator[Picture]:
    """Yield `each` slices of every folder of real data that are kept apart, those of lgg_pairs also as FLAIR alone."""
    draw = random.Random(seed)
    for kind, folders in SOURCES.items():
        for folder in folders:
            files = sorted((data / folder).iterdir())
            files = [file for file in draw.sample(files, len(files)) if file.name != NOT_A_HEAD and kept_apart(file)]
            for file in files[:each]:
                try:
                    pixels = read_scan(file).pixels
                except ScanError:
                    continue
                yield kind, pixels
                if kind.startswith("lgg"):
                    yield "lgg, FLAIR", np.repeat(pixels[..., 1:2], 3, axis=2)


def altered(slices: list[Picture], seed: int = 0) -> Iterator[Picture]:
    """Yield one altered version of every second slice: as people crop, turn, save and mark them."""
    rng = np.random.default_rng(seed)
    for number, (_, pixels) in enumerate(slices[::2]):
        height, width = pixels.shape[:2]
        kind = ("border", "turned", "tilted", "cropped", "small", "poor JPEG", "text", "noise")[number % 8]
        if kind == "border":
            pixels = np.pad(pixels, ((20, 30), (25, 25), (0, 0)), constant_values=int(rng.choice([0, 255])))
        elif kind == "turned":
            pixels = np.rot90(pixels)
        elif kind == "tilted":
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-18, 18), 1)
            pixels = cv2.warpAffine(pixels, turn, (width, height))
        elif kind == "cropped":
            pixels = pixels[height // 15 : -height // 15, width // 15 : -width // 15]
        elif kind == "small":
            pixels = cv2.resize(pixels, (90, round(90 * height / width)), interpolation=cv2.INTER_AREA)
        elif kind == "poor JPEG":
            pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
        elif kind == "text":
            picture = Image.fromarray(np.pad(pixels, ((0, 30), (0, 0), (0, 0))))
            ImageDraw.Draw(picture).text((5, height + 8), "AX T1 POST 12/24", (255, 255, 255))
            pixels = np.asarray(picture)
        else:
            pixels = np.clip(pixels + rng.normal(0, 6, pixels.shape[:2])[..., None], 0, 255).astype(np.uint8)
        yield f"altered: {kind}", np.ascontiguousarray(pixels)


def more(folder: Path) -> Iterator[Picture]:
    """Yield the pictures of a folder with a folder for each kind."""
    for file in sorted(path for path in folder.glob("*/*") if path.is_file()):
        yield file.parent.name, read_scan(file).pixels


def own(bundle: Path) -> Iterator[Picture]:
    """Yield the validation images of the run whose artefacts a bundle lies among; none if it lies elsewhere."""
    table, config = bundle.parent / "split.csv", bundle.parent / "config.yaml"
    if not (table.is_file() and config.is_file()):
        return
    root = Path(yaml.safe_load(config.read_text("utf-8"))["data"]["path"])
    root = root.parent if root.is_file() else root
    with table.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "valid"]
    for row in rows:
        if (root / row["path"]).is_file():
            yield "its own validation images", read_scan(root / row["path"]).pixels
