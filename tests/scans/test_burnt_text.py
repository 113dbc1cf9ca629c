"""Text in the pixels of slices and volumes is found; heads, noise and masks are no text."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from brainseg.scans import read_scan, reading
from brainseg.scans.burnt_text import SENTENCE, has_text
from brainseg.scans.volumes.burnt_text import with_text_warning
from brainseg.scans.volumes.slices import put
from brainseg.scans.volumes.volume import Volume


def written(pixels: np.ndarray, size: float = 0.5, font: int = cv2.FONT_HERSHEY_SIMPLEX, y: int = 20) -> np.ndarray:
    return cv2.putText(pixels.copy(), "DOE J 1962", (5, y), font, size, 255, 1, cv2.LINE_AA)


@pytest.fixture(scope="module")
def heads(phantom_slices) -> list[np.ndarray]:
    return [read_scan(file).pixels[..., 0] for file in phantom_slices]


@pytest.mark.parametrize("font", [cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX])
@pytest.mark.parametrize("size", [0.4, 0.5, 0.6])
def test_text_is_found_on_most_slices(heads, font, size):
    found = [has_text(written(head, size, font, y)) for head in heads for y in (20, 185)]
    assert np.mean(found) >= 0.7


def test_heads_noise_and_blank_slices_are_no_text(heads):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8)
    dots = np.zeros((64, 64), np.uint8)
    dots[10:18, [5, 20, 35]] = 255
    assert not any(map(has_text, [*heads, noise, cv2.resize(noise, (1024, 1024)), dots, np.zeros((9, 9), np.uint8)]))


@pytest.mark.data
def test_real_slices_are_no_text_and_text_on_them_is_found(shared):
    folder = shared / "data" / "lgg_pairs"
    files = [file for file in sorted(folder.rglob("*")) if "mask" not in file.name and file.suffix in (".png", ".jpg")]
    slices = [read_scan(file).pixels[..., 0] for file in files[:: max(1, len(files) // 60)]]
    assert len(slices) > 40
    assert not any(map(has_text, slices))
    assert np.mean([has_text(written(each)) for each in slices]) >= 0.8


def test_an_image_with_text_has_a_warning(heads, tmp_path):
    Image.fromarray(heads[0]).save(tmp_path / "plain.png")
    Image.fromarray(written(heads[0])).save(tmp_path / "text.png")
    assert SENTENCE not in read_scan(tmp_path / "plain.png").warnings
    assert SENTENCE in read_scan(tmp_path / "text.png").warnings


@pytest.mark.parametrize(("plane", "stored"), [("axial", "LPS"), ("sagittal", "PSR"), ("coronal", "LSP")])
def test_a_volume_with_text_on_its_slices_has_a_warning(heads, plane, stored):
    count = len(heads)
    shape = {"axial": (192, 192, count), "sagittal": (count, 192, 192), "coronal": (192, count, 192)}[plane]
    plain, text = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for place, head in enumerate(heads):
        put(plain, plane, place, head)
        put(text, plane, place, written(head))
    volume = Volume(plain, None, "v", "DICOM", shape, stored)
    assert with_text_warning(volume).warnings == ()
    assert with_text_warning(replace(volume, array=text * 10)).warnings == (SENTENCE,)


def test_pixels_alone_are_those_of_the_scan_and_are_not_searched_for_text(phantom_slices, monkeypatch):
    scan = read_scan(phantom_slices[0])
    monkeypatch.setattr(reading, "has_text", None)
    pixels, digest = reading.read_pixels(phantom_slices[0])
    assert (pixels == scan.pixels).all()
    assert (digest, pixels.flags.writeable) == (scan.sha256, False)
