from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.inspection import open_any
from tests.datasets.masked import picture, spot, write_pairs


def turn(file: Path, orientation: int, size: tuple[int, int]) -> None:
    """Cut an image to (width, height) and give it an EXIF orientation; none for 0."""
    with Image.open(file) as image:
        part = image.crop((0, 0, *size))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    part.save(file, exif=exif)


def write_turned(root: Path, image: int, mask: int, size: tuple[int, int]) -> Path:
    names = ["a", "b", "c", "d"]
    write_pairs(root, names, ".tif" if image > 10 else ".png")
    for name in names:
        turn(root / "images" / f"{name}.png", image, size)
        turn(root / "masks" / f"{name}.png", mask, size)
    return root


@pytest.mark.parametrize("mask", [0, 6])
def test_mask_lies_on_an_image_that_its_note_turns(tmp_path, mask):
    dataset = open_any(write_turned(tmp_path, 6, mask, (24, 20)))
    assert (len(dataset.table), dataset.bad) == (4, ())
    stored, marked = picture("a")[:20], spot()[:20] > 0
    np.testing.assert_array_equal(dataset.read(0)[..., 0], np.rot90(stored, -1))
    np.testing.assert_array_equal(dataset.read_mask(0), np.rot90(marked, -1))


def test_mask_that_was_drawn_on_the_upright_image_is_left_as_it_is(tmp_path):
    write_turned(tmp_path, 6, 0, (24, 20))
    for name in "abcd":
        Image.fromarray(np.rot90(spot()[:20], -1)).save(tmp_path / "masks" / f"{name}.png")
    np.testing.assert_array_equal(open_any(tmp_path).read_mask(0), np.rot90(spot()[:20] > 0, -1))


@pytest.mark.parametrize(
    ("image", "mask", "size"),
    [(6, 0, (24, 24)), (3, 0, (24, 20)), (0, 6, (24, 24)), (6, 8, (24, 20)), (0, 3, (24, 20))],
)
def test_orientations_that_differ_are_refused(tmp_path, image, mask, size):
    dataset = open_any(write_turned(tmp_path, image, mask, size))
    (reason,) = {bad.reason for bad in dataset.bad}
    notes = f"the EXIF orientation {mask or 1}, its image {image or 1}"
    assert reason.startswith(f"4 masks and their images differ in EXIF orientation, such as masks/a.png ({notes})")
    assert len(dataset.bad) == 4


def pages(file: Path, count: int) -> None:
    with Image.open(file) as image:
        image.load()
    file.unlink()
    image.save(file.with_suffix(".tif"), save_all=True, append_images=[image] * (count - 1))


def test_pages_of_stacks_are_counted_and_compared(tmp_path):
    write_pairs(tmp_path, ["a", "b", "c"])
    for name in "ab":
        pages(tmp_path / "images" / f"{name}.png", 12)
    pages(tmp_path / "masks" / "a.png", 12)
    pages(tmp_path / "masks" / "b.png", 11)
    dataset = open_any(tmp_path)
    (bad,) = dataset.bad
    assert bad.reason.startswith("masks/b.tif has 11 pages, its image 12: export the same number of pages")
    (found,) = [finding for finding in dataset.findings if finding.kind == "pages"]
    assert found.files == ("images/a.tif",)
    assert found.message.startswith("1 file contains 12 pages, but only the first page of the file is used: ")
