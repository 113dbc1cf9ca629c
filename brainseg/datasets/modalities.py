"""Sequences (T1, FLAIR, …) as input channels: the file and channel of each, and missing sequences."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from brainseg.datasets.table import read_unchanged
from brainseg.errors import DataError
from brainseg.files import sha256_bytes

MODALITIES = ("T1", "T1ce", "T2", "FLAIR")
LGG_CHANNELS = ("T1", "FLAIR", "T1ce")
"""Channels of the TCGA-LGG set (Buda et al. 2019, Comput. Biol. Med. 109): pre-contrast, FLAIR, post-contrast."""
COPY = 0.12
"""If a channel's difference from FLAIR, over all slices of a patient, is below this fraction of FLAIR's sum, the
channel repeats FLAIR because a sequence is missing. On 60 patients of TCGA-LGG, saved as JPEG, copies stay below 0.08
and true sequences above 0.17; in the original TIFF files a copy is exact."""

Input = tuple[str, str, int]
"""Path relative to the root, SHA-256 of the file, and channel number."""

_ALIASES = {"t1gd": "T1ce", "t1c": "T1ce", "t1post": "T1ce", "t1pre": "T1", "t2flair": "FLAIR", "fla": "FLAIR"}


def canonical(name: str) -> str:
    """Return a sequence as brainseg spells it; unknown names stay unchanged."""
    key = name.strip().lower().replace("-", "").replace("_", "").replace(" ", "")
    return {modality.lower(): modality for modality in MODALITIES}.get(key) or _ALIASES.get(key, name.strip())


def check_modalities(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the chosen sequences as brainseg spells them.

    Raises:
        DataError: None or more than three are given, one is unknown, or one is given twice.
    """
    wanted = tuple(canonical(name) for name in names)
    if unknown := [name for name in wanted if name not in MODALITIES]:
        raise DataError(f"data.modalities: {unknown[0]!r} is unknown, allowed: {', '.join(MODALITIES)}.")
    if not 1 <= len(wanted) <= 3 or len(set(wanted)) < len(wanted):
        raise DataError("data.modalities: give one to three different sequences, or null to use images as stored.")
    return wanted


def differences(pixels: np.ndarray, channels: tuple[str, ...]) -> np.ndarray:
    """Return how much each of three named channels differs from FLAIR, and FLAIR itself, as sums.

    Args:
        pixels: (H, W, 3) uint8.
        channels: Three names, including FLAIR.

    Returns:
        (4,) int64: three sums of absolute differences, and the sum of FLAIR.
    """
    planes = cv2.split(pixels)
    flair = planes[channels.index("FLAIR")]
    return np.array([*(cv2.absdiff(plane, flair).sum(dtype=np.int64) for plane in planes), flair.sum(dtype=np.int64)])


def missing_channels(sums: np.ndarray, channels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the missing sequences of a patient, which are replaced by copies of FLAIR.

    Args:
        sums: (4,) the result of `differences`, summed over the patient's slices.
        channels: The names of the three channels.
    """
    if not sums[3]:  # black slices contain no information
        return ()
    copies = sums[:3] < COPY * sums[3]
    return tuple(name for name, copy in zip(channels, copies, strict=True) if copy and name != "FLAIR")


def encode_inputs(inputs: list[Input]) -> str:
    """Return inputs as text for the table's column `inputs`."""
    return json.dumps(inputs, ensure_ascii=False)


def parse_inputs(text: str) -> list[Input]:
    """Return the inputs of a row; empty for an image as stored."""
    return [(path, digest, channel) for path, digest, channel in json.loads(text)] if text else []


def inputs_sha256(inputs: list[Input]) -> str:
    """Return a hash of the files and channels of these inputs."""
    return sha256_bytes("\n".join(f"{digest} {channel}" for _, digest, channel in inputs).encode())


def read_stack(root: Path, inputs: list[Input]) -> np.ndarray:
    """Return one to three sequences as (H, W, 3) uint8; fewer than three are repeated in order.

    Repeating a sequence adds no information; a black channel would shift the input of a pretrained network.

    Raises:
        ScanError: A file can no longer be read.
        DataError: A file has changed.
    """
    files = {path: read_unchanged(root / path, digest) for path, digest, _ in inputs}
    planes = [files[path][..., channel] for path, _, channel in inputs]
    return stack(planes)


def stack(planes: list[np.ndarray]) -> np.ndarray:
    """Return one to three (H, W) uint8 planes as (H, W, 3); see `read_stack`."""
    return np.dstack([planes[position % len(planes)] for position in range(3)])
