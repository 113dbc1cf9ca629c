"""The images that a run was evaluated on, read from their dataset when they are shown."""

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
BLACK_SLICES = "A slice that is no longer in its dataset, or was changed, is drawn black; its outlines stay."
"""Caption for plots with the pixels of `slice_pixels`."""


def image_file(run: Run, path: str) -> Path:
    """Return the path at which an image of a run's dataset is, or was.

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
        ScanError: The dataset or the image is missing, cannot be read, or was changed.
    """
    if not dataset_location(run).exists():
        raise ScanError(f"The dataset {run.config.data.path} is no longer there: put it back to see its images.")
    file = image_file(run, path)
    if not file.exists():
        raise ScanError(f"{path} is no longer in its dataset: put it back to see it.")
    scan = read_scan(file)
    if sha256 is not None and scan.sha256 != sha256:
        raise ScanError(f"{path} was changed since the run was evaluated on it, so it is not shown.")
    return scan


def square(pixels: np.ndarray, side: int = SIDE) -> Image.Image:
    """Return (H, W, 3) uint8 pixels as a square image: padded with black, and small ones enlarged."""
    return ImageOps.pad(Image.fromarray(pixels), (side, side), Image.Resampling.BICUBIC)


def slice_pixels(run: Run, path: str, sha256: str | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return the pixels of a slice; black ones where it is missing or changed, so that outlines can be drawn on it.

    Args:
        run: The run.
        path: As in the run's table of slices.
        sha256: Hash of the slice when the run was evaluated on it; None where that is not known.
        shape: (H, W) of the slice's mask.
    """
    # With chosen sequences, the hash is of the combined input of the model, not of the file.
    try:
        pixels = read_image(run, path, None if run.config.data.modalities else sha256).pixels
    except ScanError:
        return np.zeros((*shape, 3), np.uint8)
    return pixels if pixels.shape[:2] == shape else np.zeros((*shape, 3), np.uint8)
