"""Corruptions of MRI: receiver noise, an uneven coil, and motion during the scan.

They act on the grey levels of a finished image as if these were the signal: a file's own noise and display window stay
in it. Arguments and results are those of `image_changes`.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from brainseg.phantom.acquisition import receiver_noise
from brainseg.phantom.fields import Noise
from brainseg.robustness.planes import on_planes

FIELD_OF_VIEW, COARSENESS = 240.0, 60.0
"""Assumed length in mm of an image's longer side, and standard deviation in mm of the blur that makes a bias field: the
phantom's. Few image files give their size in mm."""
CYCLES = (4, 12)
"""Range of the number of movements during a scan, from which one is drawn."""


def noise(pixels: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    """Add Rician noise whose standard deviation, in each receiver channel, is `percent` of the 99th percentile.

    A channel of the image without signal stays black.
    """

    def magnitude(plane: np.ndarray) -> np.ndarray:
        level = percent / 100 * float(np.percentile(plane, 99))
        noisy: np.ndarray = np.abs(plane + receiver_noise(plane.shape, level, rng))
        return noisy

    return on_planes(pixels, magnitude)


def bias(pixels: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply by a smooth random gain whose logarithm has a standard deviation of `percent` hundredths on the image.

    The mean logarithm is 0, so the image becomes neither brighter nor darker on average.
    """
    field = Noise.draw(rng).at(_points(pixels.shape[:2]), COARSENESS)
    gain = np.exp(percent / 100 * (field - field.mean()) / max(float(field.std()), 1e-6))
    return on_planes(pixels, lambda plane: plane * gain)


def _points(shape: tuple[int, ...]) -> np.ndarray:
    """Return the positions in mm of the pixels of a slice, (H, W, 3) float32."""
    step = FIELD_OF_VIEW / max(shape)
    rows, columns = (step * (np.arange(side, dtype=np.float32) - (side - 1) / 2) for side in shape)
    return np.stack([*np.meshgrid(rows, columns, indexing="ij"), np.zeros(shape)], axis=-1).astype(np.float32)


def motion(pixels: np.ndarray, percent: float, rng: np.random.Generator) -> np.ndarray:
    """Move the patient to and fro, like a sine, by at most `percent` of the side, while k-space is measured.

    Each line of k-space is that of the image at its place at that moment: a shift by d multiplies the spatial frequency
    k by exp(-2 pi i k d), the Fourier shift theorem. Lines are measured in the order of k, and the shift is along the
    direction of k, which is up and down or left and right. The movements are periodic, which gives ghosts (Wood and
    Henkelman 1985, Med. Phys. 12, 143-151).
    """
    axis, cycles, start = int(rng.integers(2)), rng.uniform(*CYCLES), rng.uniform(0, 2 * np.pi)
    side = pixels.shape[axis]
    shifts = percent / 100 * side * np.sin(2 * np.pi * cycles * np.arange(side) / side + start)
    frequencies = fft.fftshift(fft.fftfreq(side))  # in the order of the measurement
    phases = fft.ifftshift(np.exp(-2j * np.pi * frequencies * shifts)).astype(np.complex64)
    factors = phases[:, None] if axis == 0 else phases[None, :]
    return on_planes(pixels, lambda plane: np.abs(fft.ifft(fft.fft(plane, axis=axis) * factors, axis=axis)))
