"""Simulate the acquisition: relaxation times, pulse sequences, scanners, receiver noise and grey values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from brainseg.phantom.fields import Noise, smoothstep

MODALITIES = ("T1", "T1ce", "T2", "FLAIR")
"""The sequences that the phantom can simulate: T1 without and with contrast agent, T2, and FLAIR."""

_RELAXIVITY = 4.5e-3  # per ms and mmol/l, about that of common gadolinium agents at 1.5 T


@dataclass(frozen=True)
class Tissue:
    """Properties of a tissue: T1 and T2 in ms, proton density (0 to 1), uptake of contrast agent in mmol/l."""

    t1: float
    t2: float
    density: float
    agent: float = 0.0
    flowing: bool = False


# White and grey matter, fluid, fat, muscle and skin follow BrainWeb's table for 1.5 T (Kwan, Evans and Pike, IEEE TMI
# 18:1085, 1999). Fat has a longer T2 here, because fast spin echo sequences show it brighter. The values for bone,
# vessels and pathology are chosen to look realistic; they are not measurements.
TISSUES = {
    "white": Tissue(500, 70, 0.77),
    "grey": Tissue(833, 83, 0.86, agent=0.03),
    "fluid": Tissue(2569, 329, 1.0),
    "fat": Tissue(350, 115, 1.0),
    "muscle": Tissue(900, 47, 1.0, agent=0.06),
    "skin": Tissue(900, 60, 0.9, agent=0.15),
    "bone": Tissue(900, 6, 0.08),
    "marrow": Tissue(420, 80, 0.60),
    "air": Tissue(1000, 1, 0.0),
    "dura": Tissue(800, 35, 0.55, agent=0.7),
    "vessel": Tissue(1200, 150, 0.9, agent=1.6, flowing=True),
    "plexus": Tissue(1000, 130, 0.9, agent=0.8),
    "vitreous": Tissue(2569, 329, 1.0),
    "hyperintensity": Tissue(800, 150, 0.84),
    "gliosis": Tissue(1000, 160, 0.88),
    "oedema": Tissue(900, 104, 0.84),
    "tumour": Tissue(1200, 320, 0.90, agent=0.04),
    "enhancing": Tissue(1200, 300, 0.90, agent=1.1),
    "necrosis": Tissue(1350, 320, 0.95),
}


@dataclass(frozen=True)
class Sequence:
    """A spin echo, with an inversion pulse if `ti` is given; times in ms."""

    tr: float
    te: float
    ti: float | None = None
    agent: bool = False

    def signal(self, tissue: Tissue) -> float:
        """Return the magnitude of the steady-state signal of a tissue.

        Spin echo: `PD (1 - exp(-TR/T1)) exp(-TE/T2)`; inversion recovery: `PD |1 - 2 exp(-TI/T1) + exp(-TR/T1)|
        exp(-TE/T2)`; contrast agent: `1/T1 + r1 C` in place of `1/T1` (Bernstein, King and Zhou, Handbook of MRI Pulse
        Sequences, 2004). Flowing blood without agent leaves the slice before the echo, which gives a flow void.
        """
        t1 = 1 / (1 / tissue.t1 + _RELAXIVITY * tissue.agent) if self.agent else tissue.t1
        recovered = 1 - np.exp(-self.tr / t1)
        if self.ti is not None:
            recovered = abs(1 - 2 * np.exp(-self.ti / t1) + np.exp(-self.tr / t1))
        void = 0.15 if tissue.flowing and not self.agent else 1.0
        return float(void * tissue.density * recovered * np.exp(-self.te / tissue.t2))


@dataclass(frozen=True)
class Protocol:
    """One sequence on one scanner, and how its signal becomes an 8-bit grey value."""

    sequence: Sequence
    white_level: float
    gamma: float
    fat: float


@dataclass(frozen=True, eq=False)
class Scanner:
    """Properties that vary between scanners and visits; drawn independently of whether there is a tumour."""

    fov_mm: float
    protocols: dict[str, Protocol]
    noise: float
    matrix: float
    bias: Noise
    bias_strength: float
    bias_tilt: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Scanner:
        """Draw a scanner with a protocol for each of `MODALITIES`."""
        return cls(
            fov_mm=float(rng.uniform(228, 256)),
            protocols={modality: _draw_protocol(modality, rng) for modality in MODALITIES},
            noise=float(np.exp(rng.uniform(np.log(0.015), np.log(0.050)))),
            matrix=float(rng.uniform(0.75, 1.0)),
            bias=Noise.draw(rng),
            bias_strength=float(rng.uniform(0.03, 0.10)),
            bias_tilt=rng.normal(0, 0.0006, 3).astype(np.float32),
        )

    def bias_at(self, points: np.ndarray) -> np.ndarray:
        """Return the coil's sensitivity, about 1, at `points` (..., 3) in mm; it fades below the head coil."""
        log = self.bias_strength * self.bias.at(points, 60.0) + points @ self.bias_tilt
        fade = 0.12 + 0.88 * smoothstep(points[..., 2], -145.0, -50.0)
        sensitivity: np.ndarray = np.exp(log) * fade
        return sensitivity.astype(np.float32)


def _draw_protocol(modality: str, rng: np.random.Generator) -> Protocol:
    """Draw clinically realistic sequence timings, and the display window."""
    deviation, gamma, u, v = rng.normal(0, 0.07), rng.uniform(0.92, 1.12), rng.uniform(), rng.uniform()
    suppressed = rng.uniform() < 0.25  # some protocols suppress the signal of fat
    fat = 0.25 if suppressed and modality != "T1" else 1.0
    sequence, level = {
        "T1": (_t1_weighted(u, v, agent=False), 150),
        "T1ce": (_t1_weighted(u, v, agent=True), 125),
        "T2": (Sequence(3500 + 2500 * u, 85 + 25 * v), 74),
        "FLAIR": (Sequence(8500 + 1500 * u, 100 + 30 * v, ti=1700 + 120 * (v - 0.3)), 98),
    }[modality]
    return Protocol(sequence, level * float(np.exp(deviation)), float(gamma), fat)


def _t1_weighted(u: float, v: float, *, agent: bool) -> Sequence:
    """Return a T1-weighted sequence: in a quarter of cases a spin echo, otherwise with a prior inversion pulse."""
    if u < 0.25:
        return Sequence(420 + 150 * v, 9 + 12 * u, agent=agent)
    return Sequence(1900 + 400 * v, 4.0, ti=850 + 150 * u, agent=agent)


def tissue_signals(protocol: Protocol) -> dict[str, float]:
    """Return each tissue's signal relative to white matter."""
    white = protocol.sequence.signal(TISSUES["white"])
    signals = {name: protocol.sequence.signal(tissue) / white for name, tissue in TISSUES.items()}
    signals["fat"] *= protocol.fat
    signals["marrow"] *= 0.5 + 0.5 * protocol.fat
    return signals


def receiver_noise(shape: tuple[int, ...], level: float, rng: np.random.Generator) -> np.ndarray:
    """Return the noise of a receiver, complex64 of `shape`: Gaussian with a deviation of `level` in each channel."""
    channels = rng.standard_normal((2, *shape), dtype=np.float32) * np.float32(level)
    noise: np.ndarray = channels[0] + 1j * channels[1]
    return noise


def acquire(signal: np.ndarray, scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    """Return the magnitude image that a receiver makes of `signal` (n, n): finite resolution and Rician noise.

    The outer part of k-space is not measured (blur and slight ringing). Each of the two channels gets Gaussian noise,
    and the magnitude makes the noise Rician (Gudbjartsson and Patz, MRM 34:910, 1995): Rayleigh in air, almost Gaussian
    in tissue. The noise level is relative to white matter, whose signal is 1.
    """
    spectrum = fft.fft2(signal + receiver_noise(signal.shape, scanner.noise, rng))
    frequency = np.abs(fft.fftfreq(signal.shape[0])) * 2
    keep = 1 - smoothstep(frequency, scanner.matrix - 0.12, scanner.matrix + 0.12)
    return np.abs(fft.ifft2(spectrum * (keep[:, None] * keep[None, :]))).astype(np.float32)


def to_grey(magnitude: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Return the uint8 grey values of a magnitude image in which white matter is 1."""
    level = np.clip(magnitude * (protocol.white_level / 255), 0, None) ** protocol.gamma
    return np.clip(np.rint(level * 255), 0, 255).astype(np.uint8)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur an image (n, n) slightly, to simulate partial volume; `sigma` in pixels."""
    return ndimage.gaussian_filter(image, sigma, truncate=3.0)
