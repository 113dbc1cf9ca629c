"""The images that are timed: synthetic by default, made once into the cache folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from brainseg.files import folder_in_one_step
from brainseg.phantom import phantom_name, write_phantom

SEED = 0
SLICE = 256
"""Pixels of a side of the synthetic slices."""
BASE = 100
"""Slices of the phantom that smaller sets are taken from."""


def phantom(cache: Path, count: int) -> Path:
    """Return `count` synthetic slices, half of them with a tumour: class folders, masks and a manifest.

    Drawing takes a tenth of a second per slice, so the small sets are parts of one phantom.
    """
    whole = cache / phantom_name("speed", str(max(count, BASE)))
    write_phantom(whole, max(count, BASE), SEED, size=SLICE)
    folder = cache / f"part-{count}-of-{whole.name}"
    if count >= BASE:
        return whole
    if not folder.is_dir():
        table = pd.read_csv(whole / "manifest.csv")
        table = table.groupby("label").head(count // 2)
        with folder_in_one_step(folder) as partial:
            for path in (*table["path"], *table["mask"]):
                (partial / path).parent.mkdir(exist_ok=True)
                shutil.copy(whole / path, partial / path)
            table.to_csv(partial / "manifest.csv", index=False)
    return folder


def class_folders(cache: Path, count: int) -> Path:
    """Return `count` synthetic slices as JPEG files in class folders, as public sets come."""
    folder = cache / f"folders-{count}"
    if not folder.is_dir():
        source = phantom(cache, count)
        with folder_in_one_step(folder) as partial:
            for file in sorted(source.glob("*tumour/*.png")):
                (partial / file.parent.name).mkdir(exist_ok=True)
                Image.open(file).save(partial / file.parent.name / f"{file.stem}.jpg", quality=90)
    return folder


def masks_of_classes(folder: Path) -> Path:
    """Return the masks of a phantom with class numbers instead of grey values, as fastai wants them."""
    numbered = folder.parent / f"{folder.name}-numbered"
    if not numbered.is_dir():
        with folder_in_one_step(numbered) as partial:
            for file in sorted((folder / "masks").iterdir()):
                Image.fromarray((np.asarray(Image.open(file)) > 0).astype(np.uint8)).save(partial / file.name)
    return numbered


def copies(files: list[Path], folder: Path, count: int) -> list[Path]:
    """Copy files into a folder until there are `count`, under other names."""
    folder.mkdir(parents=True)
    made = []
    for number in range(count):
        source = files[number % len(files)]
        made.append(folder / f"{number:04d}{source.suffix}")
        shutil.copy(source, made[-1])
    return made
