"""The corruptions of a robustness check, with the units and values of their strengths.

| name | what happens to the image | unit of the strength | strengths |
|---|---|---|---|
| `noise` | Rician noise of an MR receiver | standard deviation per receiver channel, % of the 99th percentile | 2, 4, 8, 12, 20 |
| `blur` | Gaussian blur | standard deviation, % of the longer side | 0.25, 0.5, 1, 1.5, 2.5 |
| `contrast` | brighter or darker by a power of the grey levels | exponent, or its inverse | 1.2, 1.5, 2, 2.5, 3 |
| `rotation` | rotation about the centre | degrees, to either side | 3, 6, 12, 20, 30 |
| `jpeg` | saved as JPEG | quality from 1 to 95, by Pillow | 80, 50, 30, 15, 5 |
| `resolution` | fewer pixels, then enlarged again | % of each side that is kept | 75, 50, 35, 25, 15 |
| `bias` | uneven sensitivity of the coil | standard deviation of the logarithm of the gain, % | 10, 20, 30, 45, 60 |
| `motion` | ghosts of a patient who moves during the scan | largest shift, % of the side | 0.25, 0.5, 1, 2, 4 |

Strengths are listed from weak to strong; 0 is the untouched image. A corruption changes the decoded image before its
preparation, as if the user's file looked like that. It keeps shape, type (uint8) and range, and keeps grey images grey.
Everything random depends on the seed, the content of the image and the corruption, but not on the strength: a stronger
noise is the same noise, multiplied.
"""  # noqa: E501 - a table

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from brainseg.errors import ConfigError
from brainseg.robustness import image_changes, mri_changes

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Corruption:
    """One way in which images get worse.

    Attributes:
        title: Its name on pages.
        unit: What a strength is measured in.
        strengths: From weak to strong.
        change: Returns the corrupted image from pixels, (H, W, 3) uint8, strength and random generator.
        turns: Whether it moves things on the image: masks and heatmaps then move with it.
    """

    title: str
    unit: str
    strengths: tuple[float, ...]
    change: Change
    turns: bool = False


CORRUPTIONS = {
    "noise": Corruption(
        "Noise",
        "standard deviation, % of the 99th percentile",
        (2, 4, 8, 12, 20),
        mri_changes.noise,
    ),
    "blur": Corruption(
        "Blur", "standard deviation, % of the longer side", (0.25, 0.5, 1, 1.5, 2.5), image_changes.blur
    ),
    "contrast": Corruption("Contrast", "exponent, or its inverse", (1.2, 1.5, 2, 2.5, 3), image_changes.contrast),
    "rotation": Corruption("Rotation", "degrees", (3, 6, 12, 20, 30), image_changes.rotation, turns=True),
    "jpeg": Corruption("JPEG", "quality", (80, 50, 30, 15, 5), image_changes.jpeg),
    "resolution": Corruption("Resolution", "% of each side", (75, 50, 35, 25, 15), image_changes.resolution),
    "bias": Corruption("Bias field", "standard deviation of log gain, %", (10, 20, 30, 45, 60), mri_changes.bias),
    "motion": Corruption("Motion", "largest shift, % of the side", (0.25, 0.5, 1, 2, 4), mri_changes.motion),
}
"""Name -> corruption, in the order in which they are shown."""


@dataclass(frozen=True)
class Condition:
    """A corruption at one strength; the default is the untouched image."""

    corruption: str = ""
    strength: float = 0.0

    def change(self, pixels: np.ndarray, seed: Sequence[int]) -> np.ndarray:
        """Return the corrupted image.

        Args:
            pixels: (H, W, 3) uint8, as decoded.
            seed: From `image_seed`.

        Returns:
            (H, W, 3) uint8.
        """
        if not self.corruption:
            return pixels
        changed = CORRUPTIONS[self.corruption].change(pixels, self.strength, self._random(seed))
        if changed.shape != pixels.shape or changed.dtype != pixels.dtype:
            raise ValueError(f"{self.corruption} made {changed.shape} {changed.dtype} of {pixels.shape} uint8.")
        return changed

    def move(self, values: np.ndarray, seed: Sequence[int], *, nearest: bool = False) -> np.ndarray:
        """Move a map or a mask of the untouched image as the corruption moves the image; most leave it in its place.

        Args:
            values: (H, W) uint8 or float32.
            seed: As for `change`.
            nearest: Whether to take the nearest value, as masks need it, in place of interpolation.
        """
        if not self.corruption or not CORRUPTIONS[self.corruption].turns:
            return values
        degrees = image_changes.drawn_side(self.strength, self._random(seed))
        return image_changes.turned(values, degrees, nearest=nearest)

    def _random(self, seed: Sequence[int]) -> np.random.Generator:
        return np.random.default_rng([*seed, zlib.crc32(self.corruption.encode())])


UNTOUCHED = Condition()


def image_seed(seed: int, sha256: str) -> tuple[int, int]:
    """Return the seed of an image's corruptions, from that of the check and the image's hash in hexadecimal digits."""
    return seed, int(sha256[:16], 16)


def conditions(names: Sequence[str]) -> list[Condition]:
    """Return each strength of the named corruptions, or of all if none is named.

    Raises:
        ConfigError: A corruption is unknown.

    Examples:
        >>> [condition.strength for condition in conditions(["jpeg"])]
        [80, 50, 30, 15, 5]
    """
    return [Condition(name, strength) for name in chosen(names) for strength in CORRUPTIONS[name].strengths]


def chosen(names: Sequence[str]) -> list[str]:
    """Return the names of corruptions in the order of `CORRUPTIONS`, or all if none is named.

    Raises:
        ConfigError: A corruption is unknown.
    """
    if unknown := [name for name in names if name not in CORRUPTIONS]:
        raise ConfigError(f"There is no corruption {unknown[0]!r}: choose from {', '.join(CORRUPTIONS)}.")
    return [name for name in CORRUPTIONS if name in names or not names]
