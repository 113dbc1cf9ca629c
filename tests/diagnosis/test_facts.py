"""Facts of images that distinguish brain MRI slices from other images."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from brainseg.diagnosis.facts import ENOUGH, image_facts, oddities
from brainseg.scans import read_scan

DATA = Path(matplotlib.get_data_path())


def holiday() -> np.ndarray:
    image = Image.new("RGB", (640, 480), (120, 180, 235))
    draw = ImageDraw.Draw(image)
    draw.ellipse((420, 40, 540, 160), fill=(255, 220, 60))
    draw.rectangle((0, 240, 640, 320), fill=(30, 120, 190))
    draw.rectangle((0, 300, 640, 480), fill=(240, 210, 140))
    return np.asarray(image)


def page_of_text(background: int, ink: int) -> np.ndarray:
    image = Image.new("L", (600, 800), background)
    font = ImageFont.truetype(str(DATA / "fonts" / "ttf" / "DejaVuSans.ttf"), 18)
    ImageDraw.Draw(image).multiline_text((30, 30), "\n".join(["The scan shows no sign of a lesion."] * 30), ink, font)
    return np.asarray(image.convert("RGB"))


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def drawn_disc(level: int) -> np.ndarray:
    down, across = np.mgrid[:200, :200]
    return grey(np.where(np.hypot(down - 100, across - 100) < 60, level, 0))


def night_sky() -> np.ndarray:
    image = Image.new("RGB", (500, 400), (5, 5, 20))
    ImageDraw.Draw(image).ellipse((180, 90, 330, 240), fill=(240, 240, 220))
    return np.asarray(image)


def code() -> np.ndarray:
    cells = np.random.default_rng(0).integers(0, 2, (29, 29)) * 255
    return grey(np.pad(np.kron(cells, np.ones((8, 8))), 20, constant_values=255))


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)


def photograph() -> np.ndarray:
    return np.asarray(Image.open(DATA / "sample_data" / "grace_hopper.jpg").convert("RGB"))


def on_black(levels: np.ndarray, shade: float) -> np.ndarray:
    """Cut an oval from an image, and shade it like a ball."""
    down, across = np.mgrid[-1:1:200j, -1:1:200j]
    radius = (across / 0.7) ** 2 + (down / 0.8) ** 2
    seen = cv2.resize(levels.astype(np.float64), (200, 200), interpolation=cv2.INTER_AREA)
    return grey(np.where(radius < 1, seen * np.sqrt((1 - shade * radius).clip(0)), 0))


def face() -> np.ndarray:
    """The middle of a face in a portrait, as smooth as skin."""
    return cv2.GaussianBlur(cv2.cvtColor(photograph(), cv2.COLOR_RGB2GRAY)[110:290, 170:350], (0, 0), 3)


def planet() -> np.ndarray:
    """A height map of half the Earth, seen from a distance."""
    heights = np.load(DATA / "sample_data" / "topobathy.npz")["topo"].astype(float)
    square = heights[:, : heights.shape[0]]
    return (square - square.min()) / (square.max() - square.min()) * 200 + 40


def lamp() -> np.ndarray:
    down, across = np.mgrid[-1:1:200j, -1:1:200j]
    return grey(240 * np.exp(-((across / 0.4) ** 2 + (down / 0.5) ** 2)))


OTHERS = {
    "an oval of a face": on_black(face(), 0.5),
    "a planet": on_black(planet(), 0.8),
    "a lamp": lamp(),
    "a holiday": holiday(),
    "a holiday in grey": grey(cv2.cvtColor(holiday(), cv2.COLOR_RGB2GRAY)),
    "text": page_of_text(255, 0),
    "text on black": page_of_text(0, 255),
    "a disc": drawn_disc(200),
    "the moon": night_sky(),
    "a code of squares": code(),
    "noise": noise(),
    "black": np.zeros((100, 100, 3), np.uint8),
    "white": np.full((100, 100, 3), 255, np.uint8),
    "one pixel": np.full((1, 1, 3), 90, np.uint8),
    "a line": np.full((1, 400, 3), 90, np.uint8),
    "a photograph": photograph(),
    "a photograph in grey": grey(cv2.cvtColor(photograph(), cv2.COLOR_RGB2GRAY)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_pictures_of_other_things_are_told(name: str) -> None:
    points, reasons = oddities(image_facts(OTHERS[name]))
    assert points >= ENOUGH
    assert reasons


def test_the_reasons_begin_with_the_gravest() -> None:
    assert "it has colours" in oddities(image_facts(holiday()))[1]
    assert "it has very few pixels" in oddities(image_facts(OTHERS["one pixel"]))[1]


def test_a_slice_of_a_head_is_none_of_them() -> None:
    with gzip.open(DATA / "sample_data" / "s1045.ima.gz") as stream:  # matplotlib's own sample
        values = np.frombuffer(stream.read(), np.uint16).reshape(256, 256).astype(float)
    head = grey(values / values.max() * 255)
    assert oddities(image_facts(head))[0] < ENOUGH
    on_paper = np.pad(head, ((12, 12), (60, 60), (0, 0)), constant_values=255)
    assert image_facts(on_paper) == pytest.approx(image_facts(head), abs=0.08, rel=0.1)
    assert oddities(image_facts(on_paper))[0] < ENOUGH


@pytest.mark.parametrize(("name", "reason"), [("a planet", "outline"), ("a lamp", "ball")])
def test_the_reasons_name_what_is_round(name: str, reason: str) -> None:
    assert any(reason in part for part in oddities(image_facts(OTHERS[name]))[1])


ALTERED = {
    "turned": lambda pixels: np.rot90(pixels),
    "with a black border": lambda pixels: np.pad(pixels, ((25, 25), (25, 25), (0, 0))),
    "small": lambda pixels: cv2.resize(pixels, (96, 96 * pixels.shape[0] // pixels.shape[1])),
    "as a poor JPEG": lambda pixels: cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 1),
    "with text": lambda pixels: cv2.putText(pixels.copy(), "AX T1 12/24", (4, 14), 0, 0.4, (255, 255, 255)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALTERED)
def test_most_slices_of_the_phantom_pass_altered_and_as_they_are(name: str, phantom_slices: list[Path]) -> None:
    scans = [read_scan(file).pixels for file in phantom_slices]
    altered = [np.ascontiguousarray(ALTERED[name](pixels)) for pixels in scans]
    assert sum(oddities(image_facts(pixels))[0] < ENOUGH for pixels in altered) >= 22
    assert sum(oddities(image_facts(pixels))[0] < ENOUGH for pixels in scans) >= 22


@pytest.mark.parametrize("name", ALTERED)
def test_most_altered_slices_pass(name: str, shared: Path) -> None:
    files = random.Random(1).sample(sorted((shared / "data" / "mc7023" / "Testing" / "glioma").iterdir()), 20)
    altered = [np.ascontiguousarray(ALTERED[name](read_scan(file).pixels)) for file in files]
    assert sum(oddities(image_facts(pixels))[0] < ENOUGH for pixels in altered) >= 18


@pytest.mark.parametrize(
    "folder", ["kaggle253/yes", "kaggle253/no", "mc7023/Testing/pituitary", "mc7023/Testing/glioma"]
)
def test_most_real_slices_pass(folder: str, shared: Path) -> None:
    files = random.Random(0).sample(sorted((shared / "data" / folder).iterdir()), 25)
    passed = [oddities(image_facts(read_scan(file).pixels))[0] < ENOUGH for file in files]
    assert sum(passed) >= 23
