"""Drawn images of other parts of the body, and of round things on black, for `benchmarks.guard`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.guard_slices import Picture

DATA = Path(matplotlib.get_data_path())


def grey(values: np.ndarray) -> np.ndarray:
    """Return (H, W) levels as an (H, W, 3) uint8 picture."""
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def bodies(rng: np.random.Generator) -> Iterator[Picture]:
    """Yield sections and films of other parts of the body."""
    for number in range(16):
        yield "chest film", _chest(rng)
        yield "knee", _knee(rng)
        if number % 2:
            yield "abdomen", _abdomen(rng)
            yield "hand", _hand(rng)


def _oval(
    shape: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float], power: float = 2
) -> np.ndarray:
    """Return where an oval is, (H, W) bool; `centre` and `radii` are (across, down)."""
    down, across = np.mgrid[: shape[0], : shape[1]]
    return np.abs((across - centre[0]) / radii[0]) ** power + np.abs((down - centre[1]) / radii[1]) ** power < 1


def _abdomen(rng: np.random.Generator) -> np.ndarray:
    shape, size = (400, 512), rng.uniform(0.94, 1.06)
    values = np.zeros(shape)
    values[_oval(shape, (256, 200), (230 * size, 153 * size), 2.3)] = rng.uniform(45, 75)
    values[_oval(shape, (256, 200), (205 * size, 132 * size), 2.3)] = rng.uniform(100, 140)
    for across, down, wide, high, level in ((150, 170, 90, 75, 150), (350, 150, 55, 60, 100), (360, 220, 40, 45, 165),
                                            (180, 270, 30, 40, 170), (330, 280, 30, 40, 170), (256, 300, 30, 26, 250),
                                            (256, 255, 16, 16, 160), (250, 150, 40, 25, 10)):  # fmt: skip
        place = across + rng.integers(-8, 8), down + rng.integers(-8, 8)
        values[_oval(shape, place, (wide * rng.uniform(0.85, 1.15), high * rng.uniform(0.85, 1.15)))] = level
    return grey(values + cv2.GaussianBlur(rng.normal(0, 12, shape), (0, 0), 1.5) * (values > 0))


def _chest(rng: np.random.Generator) -> np.ndarray:
    shape = 512, 480
    values = np.full(shape, rng.uniform(130, 170))
    wide, high, darkness = rng.uniform(70, 88), rng.uniform(135, 165), rng.uniform(30, 70)
    for across in (150, 330):
        values[_oval(shape, (across, 260), (wide, high), 2.4)] = darkness
        for rib in range(9):
            level = darkness + (70 if rib % 2 else 55)
            cv2.ellipse(values, (across, 140 + rib * 38), (95, 34), 0, 180, 360, level, int(rng.integers(4, 7)))
    values[:, 225:255] = np.maximum(values[:, 225:255], rng.uniform(185, 215))
    values[_oval(shape, (285, 360), (rng.uniform(70, 95), rng.uniform(60, 80)))] = rng.uniform(190, 215)
    if rng.random() < 0.5:
        values[:, :30] = values[:, -30:] = 5
    return grey(cv2.GaussianBlur(values, (0, 0), rng.uniform(2, 4)) + rng.normal(0, 4, shape))


def _knee(rng: np.random.Generator) -> np.ndarray:
    shape = 320, 320
    values = np.full(shape, 8.0) + rng.normal(0, 3, shape)
    values[_oval(shape, (160, 160), (rng.uniform(105, 130), 400), 4)] = rng.uniform(80, 110)
    bone = rng.uniform(140, 190)
    values[_oval(shape, (150, 60), (rng.uniform(62, 76), 88), 3)] = bone
    values[_oval(shape, (155, 265), (rng.uniform(64, 78), 92), 3)] = bone - 5
    values[_oval(shape, (75, 110), (18, 45))] = bone - 20
    values[_oval(shape, (160, 155), (75, rng.uniform(7, 13)))] = rng.uniform(20, 45)
    return grey(cv2.GaussianBlur(values + rng.normal(0, 8, shape) * (values > 20), (0, 0), 1))


def _hand(rng: np.random.Generator) -> np.ndarray:
    picture, flesh, bone = Image.new("L", (320, 420), 5), int(rng.integers(90, 130)), int(rng.integers(180, 220))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((90, 210, 230, 400), 30, flesh)
    for left, top in ((95, 100), (130, 60), (165, 50), (200, 75)):
        top += int(rng.integers(0, 15))
        draw.rounded_rectangle((left, top, left + 26, 250), 12, flesh)
        draw.rounded_rectangle((left + 8, top + 10, left + 18, 240), 4, bone)
    draw.line((225, 330, 270 + int(rng.integers(0, 25)), 210), flesh, 30)
    values = np.asarray(picture.filter(ImageFilter.GaussianBlur(2))).astype(float)
    return grey(values + rng.normal(0, 3, values.shape))


def balls(rng: np.random.Generator) -> Iterator[Picture]:
    """Yield round things on black: the Earth, lamps, citrus fruit, and ovals of photographs shaded like balls."""
    from sklearn.datasets import load_sample_image

    down, across = np.mgrid[-1:1:240j, -1:1:240j]
    heights = np.load(DATA / "sample_data" / "topobathy.npz")["topo"].astype(float)
    heights = 40 + 200 * (heights - heights.min()) / (heights.max() - heights.min())
    photos = [cv2.cvtColor(load_sample_image(name), cv2.COLOR_RGB2GRAY) for name in ("china.jpg", "flower.jpg")]
    for _ in range(12):
        side = min(heights.shape)
        left = int(rng.integers(0, heights.shape[1] - side + 1))
        yield "planet", grey(_ball(heights[:, left : left + side], rng.uniform(0.6, 0.9), rng.uniform(0.3, 0.9)))
        glow = (across / rng.uniform(0.25, 0.55)) ** 2 + (down / rng.uniform(0.25, 0.55)) ** 2
        yield "lamp", grey(240 * np.exp(-glow) + rng.normal(0, 2, glow.shape))
        radius, angle = np.hypot(across, down), np.arctan2(down, across)
        parts = 0.5 + 0.3 * np.sin(angle * int(rng.integers(6, 14))) * ((radius > 0.15) & (radius < 0.7))
        yield "citrus fruit", grey(cv2.GaussianBlur(240 * parts * (radius < 0.8), (0, 0), rng.uniform(0.5, 3)))
    for number in range(24):
        photo = photos[number % 2]
        side = int(rng.integers(150, min(photo.shape)))
        top, left = (int(rng.integers(0, length - side + 1)) for length in photo.shape)
        part = _ball(photo[top : top + side, left : left + side], rng.uniform(0.55, 0.9), rng.uniform(0.3, 0.9))
        yield "oval of a photograph", grey(part)


def _ball(levels: np.ndarray, wide: float, shade: float) -> np.ndarray:
    """Cut an oval from a square picture, (240, 240), and darken it towards its outline."""
    down, across = np.mgrid[-1:1:240j, -1:1:240j]
    radius = (across / wide) ** 2 + (down / 0.85) ** 2
    seen = cv2.resize(levels.astype(np.float64), (240, 240), interpolation=cv2.INTER_AREA)
    return np.where(radius < 1, seen * np.sqrt((1 - shade * radius).clip(0)), 0)
