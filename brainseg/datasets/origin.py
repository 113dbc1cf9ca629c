"""Where a dataset's images come from: its name, and which of them are synthetic, however they were copied together."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from brainseg.datasets.manifest import MANIFEST
from brainseg.datasets.registry import PHANTOM, known_datasets
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError

SYNTHETIC_NAME = re.compile(r"synthetic_s\d{5}")
"""How the phantom names its persons."""


def dataset_name(path: Path) -> str:
    """Return what a dataset is called: by the list of known datasets, or else by its folder or manifest.

    Args:
        path: What `open_dataset` takes; never part of the result, as it tells how somebody's machine is laid out.
    """
    place = path.absolute()
    try:
        known = {Path(each.path): each.name for each in known_datasets()}
    except DataError:  # a damaged list is no reason to lose a trained model
        known = {}
    inside = place.parent if place.name == MANIFEST else place
    return known.get(place) or known.get(inside) or (inside.name if inside.is_dir() else inside.stem) or "dataset"


def synthetic_rows(dataset: Dataset) -> list[bool]:
    """Say of each row of a dataset's table whether its image is synthetic.

    A phantom's folder says so of all of its images. Copies and subsets elsewhere are known by the note in the PNG file
    or by the name of the synthetic person.
    """
    if (dataset.root / PHANTOM).is_file():
        return [True] * len(dataset.table)
    return [_synthetic(dataset.file(path)) for path in dataset.table["path"]]


def _synthetic(file: Path) -> bool:
    if SYNTHETIC_NAME.match(file.name):
        return True
    if file.suffix.lower() != ".png":
        return False
    try:
        with Image.open(file) as image:  # reads the notes before the pixels, not the pixels
            return image.info.get("Source") == "synthetic"
    except Exception:  # whatever Pillow throws: the reader of scans has the last word on a file
        return False
