"""The ways in which `benchmarks.near_copies` changes an image to plant a copy of it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]

LETTERS = list("ABCDEFGHLRST0123456789/:.")


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image at another size."""
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def mirrored(image: np.ndarray) -> np.ndarray:
    """Return the mirror image."""
    return np.ascontiguousarray(image[:, ::-1])


def turned(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an image turned by quarter turns, or turned and mirrored; never as it was."""
    number = int(random.integers(1, 8))
    quarter = np.rot90(image, number % 4)
    return np.ascontiguousarray(quarter[:, ::-1] if number >= 4 else quarter)


def shifted(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an image shifted by 1 to 8 pixels in both directions; the colour of its corner fills the gap."""
    across, down = random.integers(1, 9, 2) * random.choice([-1, 1], 2)
    moved = np.array([[1, 0, across], [0, 1, down]], dtype=np.float32)
    corner = [int(value) for value in image[0, 0]]
    return cv2.warpAffine(image, moved, image.shape[1::-1], borderMode=cv2.BORDER_CONSTANT, borderValue=corner)


def cropped(image: np.ndarray, random: np.random.Generator, most: float) -> np.ndarray:
    """Return an image without up to the fraction `most` of each side, and exactly that much of one side."""
    high, wide = image.shape[:2]
    top, bottom, left, right = random.permutation([most, *random.uniform(0, most, 3)])
    return np.ascontiguousarray(
        image[int(top * high) : high - int(bottom * high), int(left * wide) : wide - int(right * wide)]
    )


def brightened(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an image with 0.7 to 1.35 times its contrast, and up to 30 levels brighter; the brightest are clipped."""
    return np.clip(image * random.uniform(0.7, 1.35) + random.uniform(0, 30), 0, 255).astype(np.uint8)


def curved(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an image with a gamma of 0.75 to 1.3."""
    return (255 * (image / 255) ** random.uniform(0.75, 1.3)).astype(np.uint8)


def written(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an image with one to three lines of white text of 2 to 8 letters near its corners."""
    image, scale = image.copy(), max(image.shape[:2]) / 256
    high, wide = image.shape[:2]
    for line in range(int(random.integers(1, 4))):
        text = "".join(random.choice(LETTERS, int(random.integers(2, 9))))
        top, left = random.integers(2, size=2)
        place = int((0.02 if left else 0.6) * wide), int((0.06 + 0.04 * line if top else 0.97 - 0.05 * line) * high)
        white, thick = (255, 255, 255), max(1, round(scale))
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4 * scale, white, thick, cv2.LINE_AA)
    return image


KINDS: dict[str, Change] = {
    "resized to 90 %": lambda image, _: resized(image, 0.9),
    "resized to 50 %": lambda image, _: resized(image, 0.5),
    "JPEG, quality 60": lambda image, _: image,
    "mirrored": lambda image, _: mirrored(image),
    "turned": turned,
    "shifted by 1 to 8 pixels": shifted,
    "cropped by up to 5 % a side": lambda image, random: cropped(image, random, 0.05),
    "cropped by up to 10 % a side": lambda image, random: cropped(image, random, 0.1),
    "brighter or darker": brightened,
    "another gamma": curved,
    "text on the margin": written,
    "50 %, JPEG": lambda image, _: resized(image, 0.5),
    "cropped, JPEG": lambda image, random: cropped(image, random, 0.1),
    "cropped, mirrored": lambda image, random: mirrored(cropped(image, random, 0.1)),
    "cropped, 90 %, JPEG": lambda image, random: resized(cropped(image, random, 0.1), 0.9),
    "cropped, brighter, JPEG": lambda image, random: brightened(cropped(image, random, 0.1), random),
    "shifted, text, JPEG": lambda image, random: written(shifted(image, random), random),
    "cropped, text, mirrored": lambda image, random: mirrored(written(cropped(image, random, 0.1), random)),
}
"""Kind of copy -> what makes it. Kinds with JPEG in their name are saved as JPEG of quality 60, the others as PNG."""
