"""Images for `benchmarks.guard`: drawings and photographs that are not brain MRI, and slices of several sources.

Longer than other files, as each of its many small functions draws one kind of image.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from brainseg.errors import ScanError
from brainseg.scans import read_scan

DATA = Path(matplotlib.get_data_path())
Picture = tuple[str, np.ndarray]
"""Kind and (H, W, 3) uint8 pixels."""
SOURCES = {
    "kaggle253": ("kaggle253/yes", "kaggle253/no"),
    "mc7023": tuple(f"mc7023/Testing/{name}" for name in ("glioma", "meningioma", "notumor", "pituitary")),
    "lgg, colour": ("lgg_pairs/images",),
}
NOT_A_HEAD = "Y248.JPG"
"""An abdomen that lies among the tumours of Kaggle-253."""


def slices(data: Path, each: int, seed: int = 0) -> Iterator[Picture]:
    """Yield `each` slices of every folder of real data, those of lgg_pairs also one sequence alone."""
    draw = random.Random(seed)
    for kind, folders in SOURCES.items():
        for folder in folders:
            files = [file for file in sorted((data / folder).iterdir()) if file.name != NOT_A_HEAD]
            for file in draw.sample(files, min(each, len(files))):
                try:
                    pixels = read_scan(file).pixels
                except ScanError:
                    continue
                yield kind, pixels
                if kind.startswith("lgg"):
                    yield "lgg, FLAIR", np.repeat(pixels[..., 1:2], 3, axis=2)


def altered(slices: list[Picture], seed: int = 0) -> Iterator[Picture]:
    """Yield one altered version of every second slice: as people crop, turn, save and mark them."""
    rng = np.random.default_rng(seed)
    for number, (_, pixels) in enumerate(slices[::2]):
        height, width = pixels.shape[:2]
        kind = ("border", "turned", "tilted", "cropped", "small", "poor JPEG", "text", "noise")[number % 8]
        if kind == "border":
            pixels = np.pad(pixels, ((20, 30), (25, 25), (0, 0)), constant_values=int(rng.choice([0, 255])))
        elif kind == "turned":
            pixels = np.rot90(pixels)
        elif kind == "tilted":
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-18, 18), 1)
            pixels = cv2.warpAffine(pixels, turn, (width, height))
        elif kind == "cropped":
            pixels = pixels[height // 15 : -height // 15, width // 15 : -width // 15]
        elif kind == "small":
            pixels = cv2.resize(pixels, (90, round(90 * height / width)), interpolation=cv2.INTER_AREA)
        elif kind == "poor JPEG":
            pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
        elif kind == "text":
            picture = Image.fromarray(np.pad(pixels, ((0, 30), (0, 0), (0, 0))))
            ImageDraw.Draw(picture).text((5, height + 8), "AX T1 POST 12/24", (255, 255, 255))
            pixels = np.asarray(picture)
        else:
            pixels = np.clip(pixels + rng.normal(0, 6, pixels.shape[:2])[..., None], 0, 255).astype(np.uint8)
        yield f"altered: {kind}", np.ascontiguousarray(pixels)


def more(folder: Path) -> Iterator[Picture]:
    """Yield the pictures of a folder with a folder for each kind."""
    for file in sorted(path for path in folder.glob("*/*") if path.is_file()):
        yield file.parent.name, read_scan(file).pixels


def others(data: Path, seed: int = 0) -> Iterator[Picture]:
    """Yield about 150 pictures that are no brain MRI."""
    random_numbers = np.random.default_rng(seed)
    for draw in (_photographs, _holidays, _pages, _shapes, _patterns, _bodies, _balls):
        yield from draw(random_numbers)
    yield "abdomen, real", read_scan(data / "kaggle253" / "yes" / NOT_A_HEAD).pixels


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _both(kind: str, pixels: np.ndarray) -> Iterator[Picture]:
    """Yield a picture in colour and in grey."""
    yield kind, pixels
    yield f"{kind}, grey", _grey(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _photographs(rng: np.random.Generator) -> Iterator[Picture]:
    from sklearn.datasets import load_sample_image

    hopper = np.asarray(Image.open(DATA / "sample_data" / "grace_hopper.jpg").convert("RGB"))
    for photo in (load_sample_image("china.jpg"), load_sample_image("flower.jpg"), hopper):
        yield from _both("photograph", photo)
        for _ in range(4):
            side = int(rng.integers(150, min(photo.shape[:2])))
            top, left = (int(rng.integers(0, length - side + 1)) for length in photo.shape[:2])
            yield from _both("photograph", np.ascontiguousarray(photo[top : top + side, left : left + side]))


def _holidays(_: np.random.Generator) -> Iterator[Picture]:
    for number in range(3):
        picture = Image.new("RGB", (640, 480), (120 + 10 * number, 180, 235))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((420, 40, 540, 160), fill=(255, 220, 60))
        draw.rectangle((0, 240, 640, 320), fill=(30, 120, 190))
        draw.rectangle((0, 300, 640, 480), fill=(240, 210, 140))
        draw.polygon([(100, 300), (180, 120 + 10 * number), (260, 300)], fill=(80, 140, 70))
        yield from _both("holiday", np.asarray(picture))
        night = Image.new("RGB", (500, 400), (5, 5, 20))
        draw = ImageDraw.Draw(night)
        draw.ellipse((180, 90 + 20 * number, 330, 240 + 20 * number), fill=(240, 240, 220))
        draw.rectangle((0, 340, 500, 400), fill=(20, 20, 40))
        yield from _both("moon", np.asarray(night))


def _pages(_: np.random.Generator) -> Iterator[Picture]:
    file = str(DATA / "fonts" / "ttf" / "DejaVuSans.ttf")
    text = "Magnetic resonance imaging of the brain was performed on a three tesla scanner. " * 40
    for number, (paper, ink) in enumerate([(255, 0), (0, 255), (240, 30), (20, 200)]):
        picture = Image.new("L", (600, 800), paper)
        lines = "\n".join(textwrap.wrap(text, 60 - 8 * number)[:30])
        ImageDraw.Draw(picture).multiline_text((30, 30), lines, ink, ImageFont.truetype(file, 16 + 4 * number))
        yield "text", np.asarray(picture.convert("RGB"))
    for back, card, ink in (
        ((245, 246, 248), (255, 255, 255), (40, 40, 50)),
        ((18, 20, 26), (40, 46, 60), (200, 205, 215)),
    ):
        picture = Image.new("RGB", (800, 500), back)
        draw, font = ImageDraw.Draw(picture), ImageFont.truetype(file, 16)
        for place in range(9):
            left, top = 220 + place % 3 * 185, 80 + place // 3 * 130
            draw.text((20, 70 + place * 36), f"Menu item {place}", ink, font)
            draw.rounded_rectangle((left, top, left + 170, top + 110), 8, card)
            draw.text((left + 15, top + 15), "12.4 %", ink, font)
        yield from _both("screenshot", np.asarray(picture))


def _shapes(rng: np.random.Generator) -> Iterator[Picture]:
    down, across = np.mgrid[:300, :300]
    radius, angle = np.hypot(down - 150, across - 150), np.arctan2(down - 150, across - 150)
    for number in range(3):
        disc = np.where(radius < 120, 90 + 60 * number, 0)
        yield "disc", _grey(disc)
        yield "disc with noise", _grey(disc + rng.normal(0, 6, disc.shape))
        fruit = np.zeros((300, 300, 3), np.uint8)
        fruit[radius < 130], fruit[radius < 120] = (240, 150, 20), (255, 235, 200)
        fruit[(np.abs(np.sin(angle * (5 + number))) > 0.25) & (radius < 105)] = (255, 170, 40)
        yield from _both("fruit", fruit)
        white = fruit.copy()
        white[radius >= 130] = 255
        yield from _both("fruit on white", white)


def _patterns(rng: np.random.Generator) -> Iterator[Picture]:
    for number in range(3):
        yield "noise", rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
        yield "noise, smooth", _grey(cv2.GaussianBlur(rng.normal(100, 200, (256, 256)), (0, 0), 8 * (number + 1)))
        code = np.pad(np.kron(rng.integers(0, 2, (29, 29)), np.ones((8, 8))) * 255, 20, constant_values=255)
        yield "code", _grey(code)
        yield "code, inverted", _grey(255 - code)
        yield "one level", _grey(np.full((200, 200), 127 * number))
        yield "few pixels", rng.integers(0, 255, (8 + 4 * number, 9, 3), dtype=np.uint8)
    yield "gradient", _grey(np.tile(np.linspace(0, 255, 256), (256, 1)))


def _oval(
    shape: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float], power: float = 2
) -> np.ndarray:
    """Return where an oval is, (H, W) bool; `centre` and `radii` are (across, down)."""
    down, across = np.mgrid[: shape[0], : shape[1]]
    return np.abs((across - centre[0]) / radii[0]) ** power + np.abs((down - centre[1]) / radii[1]) ** power < 1


def _bodies(rng: np.random.Generator) -> Iterator[Picture]:
    for number in range(4):
        yield "abdomen", _abdomen(rng, number)
        yield "chest", _chest(rng, number)
        yield "knee", _knee(rng, number)
        yield "hand", _hand(rng, number)


def _abdomen(rng: np.random.Generator, number: int) -> np.ndarray:
    shape = 400, 512
    values = np.zeros(shape)
    values[_oval(shape, (256, 200), (225 + 5 * number, 150 + 3 * number), 2.3)] = 60
    values[_oval(shape, (256, 200), (205, 132), 2.3)] = 120
    for across, down, wide, high, level in ((150, 170, 90, 75, 150), (350, 150, 55, 60, 100), (360, 220, 40, 45, 165),
                                            (180, 270, 30, 40, 170), (330, 280, 30, 40, 170), (256, 300, 30, 26, 250),
                                            (256, 255, 16, 16, 160), (250, 150, 40, 25, 10)):  # fmt: skip
        values[_oval(shape, (across + rng.integers(-8, 8), down + rng.integers(-8, 8)), (wide, high))] = level
    return _grey(values + cv2.GaussianBlur(rng.normal(0, 12, shape), (0, 0), 1.5) * (values > 0))


def _chest(rng: np.random.Generator, number: int) -> np.ndarray:
    shape = 512, 480
    values = np.full(shape, 150.0)
    for across in (150, 330):
        values[_oval(shape, (across, 260), (75 + 3 * number, 150), 2.4)] = 50
        for rib in range(9):
            cv2.ellipse(values, (across, 140 + rib * 38), (95, 34), 0, 180, 360, 120.0 if rib % 2 else 105.0, 5)
    values[:, 225:255] = np.maximum(values[:, 225:255], 200)
    values[_oval(shape, (285, 360), (80, 70))] = 205
    if number % 2:
        values[:, :30] = values[:, -30:] = 5
    return _grey(cv2.GaussianBlur(values, (0, 0), 3) + rng.normal(0, 4, shape))


def _knee(rng: np.random.Generator, number: int) -> np.ndarray:
    shape = 320, 320
    values = np.full(shape, 8.0) + rng.normal(0, 3, shape)
    values[_oval(shape, (160, 160), (110 + 4 * number, 400), 4)] = 95
    values[_oval(shape, (150, 60), (70, 88), 3)] = 170
    values[_oval(shape, (155, 265), (72, 92), 3)] = 165
    values[_oval(shape, (75, 110), (18, 45))] = 150
    values[_oval(shape, (160, 155), (75, 10))] = 30
    return _grey(cv2.GaussianBlur(values + rng.normal(0, 8, shape) * (values > 20), (0, 0), 1))


def _hand(rng: np.random.Generator, number: int) -> np.ndarray:
    picture = Image.new("L", (320, 420), 5)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((90, 210, 230, 400), 30, 110)
    for left, top in ((95, 100), (130, 60), (165, 50), (200, 75)):
        draw.rounded_rectangle((left, top + 3 * number, left + 26, 250), 12, 110)
        draw.rounded_rectangle((left + 8, top + 10, left + 18, 240), 4, 200)
    draw.line((225, 330, 285, 210), 110, 30)
    values = np.asarray(picture.filter(ImageFilter.GaussianBlur(2))).astype(float)
    return _grey(values + rng.normal(0, 3, values.shape))


def _balls(rng: np.random.Generator) -> Iterator[Picture]:
    """Yield round things on black: the Earth, lamps, citrus fruit, and ovals of photographs shaded like balls."""
    from sklearn.datasets import load_sample_image

    down, across = np.mgrid[-1:1:240j, -1:1:240j]
    heights = np.load(DATA / "sample_data" / "topobathy.npz")["topo"].astype(float)
    heights = 40 + 200 * (heights - heights.min()) / (heights.max() - heights.min())
    photos = [cv2.cvtColor(load_sample_image(name), cv2.COLOR_RGB2GRAY) for name in ("china.jpg", "flower.jpg")]
    for _ in range(8):
        side = min(heights.shape)
        left = int(rng.integers(0, heights.shape[1] - side + 1))
        yield "planet", _grey(_ball(heights[:, left : left + side], rng.uniform(0.6, 0.9), rng.uniform(0.3, 0.9)))
        glow = (across / rng.uniform(0.25, 0.55)) ** 2 + (down / rng.uniform(0.25, 0.55)) ** 2
        yield "lamp", _grey(240 * np.exp(-glow) + rng.normal(0, 2, glow.shape))
        radius, angle = np.hypot(across, down), np.arctan2(down, across)
        parts = 0.5 + 0.3 * np.sin(angle * int(rng.integers(6, 14))) * ((radius > 0.15) & (radius < 0.7))
        yield "citrus", _grey(cv2.GaussianBlur(240 * parts * (radius < 0.8), (0, 0), rng.uniform(0.5, 3)))
    for number in range(16):
        photo = photos[number % 2]
        side = int(rng.integers(150, min(photo.shape)))
        top, left = (int(rng.integers(0, length - side + 1)) for length in photo.shape)
        part = _ball(photo[top : top + side, left : left + side], rng.uniform(0.55, 0.9), rng.uniform(0.3, 0.9))
        yield "oval of a photograph", _grey(part)


def _ball(levels: np.ndarray, wide: float, shade: float) -> np.ndarray:
    """Cut an oval from a square picture, (240, 240), and darken it towards its outline."""
    down, across = np.mgrid[-1:1:240j, -1:1:240j]
    radius = (across / wide) ** 2 + (down / 0.85) ** 2
    seen = cv2.resize(levels.astype(np.float64), (240, 240), interpolation=cv2.INTER_AREA)
    return np.where(radius < 1, seen * np.sqrt((1 - shade * radius).clip(0)), 0)
