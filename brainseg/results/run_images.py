"""The images that a run was evaluated on, read from their dataset at the moment they are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from brainseg.errors import ScanError
from brainseg.runs import Run
from brainseg.runs.dataset_location import dataset_location
from brainseg.scans import Scan, read_scan

SIDE = 420
"""Side of a shown image, in pixels."""


def image_file(run: Run, path: str) -> Path:
    """Return where an image of a run's dataset lies, or lay.

    Args:
        run: The run.
        path: As in the predictions table.
    """
    root = dataset_location(run)
    return (root.parent if root.is_file() else root) / path


def read_image(run: Run, path: str, sha256: str | None) -> Scan:
    """Read an image of a run's dataset.

    Args:
        run: The run.
        path: As in the predictions table.
        sha256: Hash of the image's bytes when the run was evaluated on it; None where that is not known.

    Raises:
        ScanError: The dataset or the image is not there any more, cannot be read, or is another image by now.
    """
    if not dataset_location(run).exists():
        raise ScanError(f"The dataset {run.config.data.path} is not there any more: put it back to see its images.")
    file = image_file(run, path)
    if not file.exists():
        raise ScanError(f"{path} is not in its dataset any more: put it back to see it.")
    scan = read_scan(file)
    if sha256 is not None and scan.sha256 != sha256:
        raise ScanError(f"{path} was changed since the run was evaluated on it, so it is not shown.")
    return scan


def square(pixels: np.ndarray, side: int = SIDE) -> Image.Image:
    """Return (H, W, 3) uint8 pixels as a square picture, black beside what is narrower; small ones are enlarged."""
    return ImageOps.pad(Image.fromarray(pixels), (side, side), Image.Resampling.BICUBIC)
