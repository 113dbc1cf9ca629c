"""The 300 pictures of `benchmarks.guard` that are not brain MRI: mostly drawn at random, some photographs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.guard_bodies import DATA, balls, bodies, grey
from benchmarks.guard_slices import NOT_A_HEAD, Picture
from brainseg.scans import read_scan

FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf")
WORDS = (
    "magnetic",
    "resonance",
    "imaging",
    "of",
    "the",
    "brain",
    "was",
    "performed",
    "on",
    "a",
    "three",
    "tesla",
    "scanner",
)


def others(data: Path, seed: int = 0) -> Iterator[Picture]:
    """Yield 300 pictures that are no brain MRI."""
    rng = np.random.default_rng(seed)
    for draw in (_photographs, _scenes, _pages, _screens, _round, _patterns, _frames, bodies, balls):
        yield from draw(rng)
    yield "abdomen, real", read_scan(data / "kaggle253" / "yes" / NOT_A_HEAD).pixels


def _both(kind: str, pixels: np.ndarray) -> Iterator[Picture]:
    """Yield a picture in colour and in grey."""
    yield kind, pixels
    yield f"{kind}, grey", grey(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in rng.integers(low, high, 3))
    return red, green, blue


def _font(rng: np.random.Generator, low: int, high: int) -> ImageFont.FreeTypeFont:
    name = FONTS[int(rng.integers(len(FONTS)))]
    return ImageFont.truetype(str(DATA / "fonts" / "ttf" / name), int(rng.integers(low, high)))


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(WORDS[int(number)] for number in rng.integers(0, len(WORDS), count))


def _photographs(rng: np.random.Generator) -> Iterator[Picture]:
    from sklearn.datasets import load_sample_image

    hopper = np.asarray(Image.open(DATA / "sample_data" / "grace_hopper.jpg").convert("RGB"))
    for photo in (load_sample_image("china.jpg"), load_sample_image("flower.jpg"), hopper):
        yield from _both("photograph", photo)
        for _ in range(8):
            side = int(rng.integers(120, min(photo.shape[:2])))
            top, left = (int(rng.integers(0, length - side + 1)) for length in photo.shape[:2])
            yield from _both("photograph", np.ascontiguousarray(photo[top : top + side, left : left + side]))


def _scenes(rng: np.random.Generator) -> Iterator[Picture]:
    """Yield drawings of a beach and of the moon."""
    for number in range(8):
        picture = Image.new("RGB", (640, 480), _colour(rng, 110, 240))
        draw, left, top = ImageDraw.Draw(picture), int(rng.integers(40, 500)), int(rng.integers(20, 120))
        draw.ellipse((left, top, left + 120, top + 120), fill=(255, 220, 60))
        draw.rectangle((0, 240, 640, 320), fill=_colour(rng, 30, 190))
        draw.rectangle((0, 300, 640, 480), fill=_colour(rng, 140, 240))
        peak = int(rng.integers(80, 200))
        draw.polygon([(100, 300), (180 + left // 3, peak), (330, 300)], fill=_colour(rng, 40, 140))
        yield from _both("drawing", np.asarray(picture))
        if number % 2:
            night = Image.new("RGB", (500, 400), (5, 5, 20))
            draw, size = ImageDraw.Draw(night), int(rng.integers(110, 200))
            draw.ellipse((left // 2, top, left // 2 + size, top + size), fill=(240, 240, 220))
            draw.rectangle((0, 340, 500, 400), fill=(20, 20, 40))
            yield from _both("drawing of the moon", np.asarray(night))


def _pages(rng: np.random.Generator) -> Iterator[Picture]:
    for _ in range(23):
        dark = rng.random() < 0.5
        paper, ink = (int(rng.integers(0, 40)), int(rng.integers(180, 256)))[:: 1 if dark else -1]
        picture = Image.new("L", (600, int(rng.integers(300, 800))), paper)
        lines = "\n".join(_words(rng, int(rng.integers(2, 9))) for _ in range(int(rng.integers(1, 30))))
        place = int(rng.integers(10, 60)), int(rng.integers(10, 120))
        ImageDraw.Draw(picture).multiline_text(place, lines, ink, _font(rng, 14, 34))
        yield "text", np.asarray(picture.convert("RGB"))


def _screens(rng: np.random.Generator) -> Iterator[Picture]:
    for number in range(8):
        back, card, ink = [
            ((245, 246, 248), (255, 255, 255), (40, 40, 50)),
            ((18, 20, 26), (40, 46, 60), (200, 205, 215)),
        ][number % 2]
        picture, font = Image.new("RGB", (800, 500), back), _font(rng, 13, 20)
        draw, columns = ImageDraw.Draw(picture), int(rng.integers(2, 5))
        for place in range(3 * columns):
            wide = 540 // columns
            left, top = 220 + place % columns * (wide + 10), 80 + place // columns * 130
            draw.text((20, 70 + place * 36), _words(rng, 2), ink, font)
            draw.rounded_rectangle((left, top, left + wide, top + 110), 8, card)
            draw.text((left + 15, top + 15), f"{rng.uniform(0, 100):.1f} %", ink, font)
            draw.line(
                [(left + 10 + step * wide / 9, top + float(rng.uniform(50, 100))) for step in range(8)], _colour(rng), 2
            )
        yield from _both("screenshot", np.asarray(picture))


def _round(rng: np.random.Generator) -> Iterator[Picture]:
    """Yield discs, and drawings of fruit on black and on white."""
    down, across = np.mgrid[:300, :300]
    for _ in range(4):
        centre, size = 150 + rng.uniform(-12, 12, 2), rng.uniform(95, 130)
        radius = np.hypot(down - centre[0], across - centre[1])
        angle = np.arctan2(down - centre[0], across - centre[1])
        disc = np.where(radius < size, rng.uniform(80, 230), 0)
        yield "disc", grey(disc)
        yield "disc with noise", grey(disc + rng.normal(0, 6, disc.shape))
        fruit = np.zeros((300, 300, 3), np.uint8)
        fruit[radius < size], fruit[radius < 0.92 * size] = _colour(rng, 120, 256), _colour(rng, 200, 256)
        segments = np.abs(np.sin(angle * int(rng.integers(4, 9)))) > 0.25
        fruit[segments & (radius < 0.8 * size)] = _colour(rng, 60, 256)
        yield from _both("fruit", fruit)
        white = fruit.copy()
        white[radius >= size] = 255
        yield from _both("fruit on white", white)


def _patterns(rng: np.random.Generator) -> Iterator[Picture]:
    for _ in range(8):
        yield "noise", rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
        yield "noise, grey", grey(rng.normal(rng.uniform(60, 190), rng.uniform(10, 80), (200, 200)))
        yield "noise, smooth", grey(cv2.GaussianBlur(rng.normal(100, 200, (256, 256)), (0, 0), rng.uniform(6, 26)))
    for _ in range(5):
        cells = int(rng.integers(21, 38))
        code = np.pad(np.kron(rng.integers(0, 2, (cells, cells)), np.ones((8, 8))) * 255, 20, constant_values=255)
        yield "code", grey(code)
        yield "code, inverted", grey(255 - code)


def _frames(rng: np.random.Generator) -> Iterator[Picture]:
    """Yield frames of one level, gradients and images of few pixels."""
    for level in (0, 255, 0, 255, *rng.integers(1, 255, 4)):
        yield "one level", grey(np.full((int(rng.integers(80, 400)), int(rng.integers(80, 400))), int(level)))
    for _ in range(4):
        line = np.linspace(*rng.uniform(0, 255, 2), 256)
        yield "gradient", grey(np.rot90(np.tile(line, (256, 1)), int(rng.integers(4))))
        yield "few pixels", rng.integers(0, 255, (*rng.integers(6, 20, 2), 3), dtype=np.uint8)
