"""The origin of a dataset's images: its name, and which images are synthetic, even in mixed copies."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from brainseg.datasets.manifest import MANIFEST
from brainseg.datasets.registry import PHANTOM, known_datasets
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError

SYNTHETIC_NAME = re.compile(r"synthetic_s\d{5}")
"""How the phantom names its synthetic persons."""


def dataset_name(path: Path) -> str:
    """Return the name of a dataset: from the list of known datasets, or else that of its folder or manifest.

    Args:
        path: As for `open_dataset`; the result never contains it, because it reveals private folder names.
    """
    place = path.absolute()
    try:
        known = {Path(each.path): each.name for each in known_datasets()}
    except DataError:  # a trained model must not be lost because the list is damaged
        known = {}
    inside = place.parent if place.name == MANIFEST else place
    return known.get(place) or known.get(inside) or (inside.name if inside.is_dir() else inside.stem) or "dataset"


def synthetic_rows(dataset: Dataset) -> list[bool]:
    """Return for each row of a dataset's table whether its image is synthetic.

    All images in a phantom's folder are synthetic. Copies and subsets elsewhere are recognised by the note in the PNG
    file or by the name of the synthetic person.
    """
    if (dataset.root / PHANTOM).is_file():
        return [True] * len(dataset.table)
    return [is_synthetic(dataset.file(path)) for path in dataset.table["path"]]


def is_synthetic(file: Path) -> bool:
    """Return whether an image is synthetic, by its name or by the note in its file."""
    if SYNTHETIC_NAME.match(file.name):
        return True
    if file.suffix.lower() != ".png":
        return False
    try:
        with Image.open(file) as image:  # reads the notes before the pixels, not the pixels
            return image.info.get("Source") == "synthetic"
    except Exception:  # whatever Pillow raises: reading the scan reports errors in the file
        return False
