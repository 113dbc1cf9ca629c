from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.inspection import open_any
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.errors import DataError
from tests.datasets.masked import save

SIDE, COUNT = 48, 18
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


def disc(number: int) -> np.ndarray:
    """(SIDE, SIDE) bool: the tumour of slice `number`; every second slice has none."""
    inside = (COLUMNS - 15 - number) ** 2 + (ROWS - 18 - number // 2) ** 2 < 30
    return inside & (number % 2 == 1)


def write(root: Path, mask: Callable[[np.ndarray], np.ndarray], ending: str = "png", **options: int) -> Path:
    """Write bright heads whose tumours are brighter, with masks made from the true ones (bool)."""
    random = np.random.default_rng(0)
    for number in range(COUNT):
        head = (COLUMNS - 24) ** 2 + (ROWS - 24) ** 2 < 400
        image = 90 * head + 90 * disc(number) + random.normal(0, 5, (SIDE, SIDE))
        save(root / "images" / f"{number:02d}.png", image.clip(0, 255).astype(np.uint8))
        (root / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask(disc(number))).save(root / "masks" / f"{number:02d}.{ending}", **options)
    return root


def white(marked: np.ndarray) -> np.ndarray:
    return marked.astype(np.uint8) * np.uint8(255)


def soft(marked: np.ndarray) -> np.ndarray:
    small = Image.fromarray(white(marked)).resize((SIDE // 2, SIDE // 2), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def three_values(marked: np.ndarray) -> np.ndarray:
    return np.where(marked, np.array([1, 2, 4])[(ROWS + COLUMNS) % 3], 0).astype(np.uint8)


def two_colours(marked: np.ndarray) -> np.ndarray:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[marked] = (255, 0, 0)
    picture[marked & (COLUMNS > 22)] = (0, 255, 0)
    return picture


@pytest.mark.parametrize(
    ("mask", "ending", "options", "setting", "overlap"),
    [
        (soft, "png", {}, 128, 0.9),
        (white, "jpg", {"quality": 60}, 128, 0.97),
        (lambda marked: marked.astype(np.uint8), "jpg", {"quality": 90}, 1, 0.7),
        (lambda marked: soft(marked).astype(np.float32) / 255, "tif", {}, 0.5, 0.9),
        (lambda marked: np.repeat(white(marked)[..., None], 3, axis=2), "jpg", {"quality": 60}, 128, 0.97),
    ],
    ids=["soft", "jpg255", "jpg01", "fractions", "jpg-rgb"],
)
def test_soft_masks_are_one_sentence_and_a_threshold_makes_them_usable(
    tmp_path, mask, ending, options, setting, overlap
):
    write(tmp_path, mask, ending, **options)
    refused = open_any(tmp_path)
    assert refused.mask_classes == ("background", "tumour")
    (reason,) = {bad.reason for bad in refused.bad}
    count = len(refused.bad)
    assert reason.startswith(f"{count} of {COUNT} masks are soft, such as masks/")
    assert f"use --set data.mask_threshold={setting} to make the upper half of the values tumour" in reason
    assert ("because JPEG blurs edges" in reason) == (ending == "jpg")
    assert ("with rough edges because JPEG keeps no class numbers" in reason) == (setting == 1)
    (found,) = [finding for finding in refused.findings if finding.kind == "mask-soft"]
    assert (found.message, len(found.files)) == (reason, count)
    dataset = open_any(tmp_path, mask_threshold=setting)
    assert (len(dataset.table), dataset.bad, dataset.mask_threshold) == (COUNT, (), setting)
    for number in range(COUNT):
        truth, read = disc(number), dataset.read_mask(number).astype(bool)
        assert read.sum() == dataset.table["mask_pixels"].iloc[number]
        assert (truth & read).sum() >= overlap * (truth | read).sum()
    assert dataset.fingerprint != open_any(tmp_path, mask_threshold=setting / 2).fingerprint


def test_leaving_soft_masks_out_says_why_nothing_is_left(tmp_path):
    with pytest.raises(DataError, match=r"no mask has a tumour pixel.*Left out: 9 of 18 masks are soft.*=128"):
        open_any(write(tmp_path, soft)).usable(True)


def test_threshold_above_all_values_is_told(tmp_path):
    write(tmp_path, lambda marked: marked.astype(np.uint8))
    with pytest.raises(DataError, match=r"values below data\.mask_threshold are background: lower it"):
        open_any(tmp_path, mask_threshold=128).usable(False)


def test_threshold_makes_one_class_of_several(tmp_path):
    write(tmp_path, three_values)
    dataset = open_any(tmp_path, mask_threshold=1)
    np.testing.assert_array_equal(dataset.read_mask(1), disc(1))
    (tmp_path / "classes.csv").write_text("value,name\n1,core\n2,oedema\n4,rim\n")
    with pytest.raises(DataError, match=r"mask_threshold gives one class, tumour, but classes\.csv names core, oedema"):
        open_any(tmp_path, mask_threshold=1)


def test_threshold_without_masks_is_refused(tmp_path):
    for name in ("no", "yes"):
        save(tmp_path / name / "a.png", white(disc(1)))
    with pytest.raises(DataError, match="has no masks, so a mask threshold has no effect"):
        open_any(tmp_path, mask_threshold=128)


def test_the_odd_mask_is_named_and_not_the_others(tmp_path):
    write(tmp_path, three_values)
    save(tmp_path / "masks" / "03.png", white(disc(3)))
    dataset = open_any(tmp_path)
    assert dataset.mask_classes == ("background", "class 1", "class 2", "class 4")
    (bad,) = dataset.bad
    assert bad.reason.startswith("masks/03.png contains the unknown value 255 (known: 0, 1, 2, 4): save masks")


def test_many_odd_masks_are_one_sentence(tmp_path):
    write(tmp_path, lambda marked: np.where(marked, np.array([60, 120, 180])[COLUMNS % 3], 0).astype(np.uint8))
    dataset = open_any(tmp_path)
    (reason,) = {bad.reason for bad in dataset.bad}
    assert reason.startswith(
        "9 masks, such as masks/01.png: the dataset contains the unknown values 60, 120, 180 (known:"
    )
    (tmp_path / "classes.csv").write_text("value,name\n60,a\n120,b\n180,c\n")
    assert open_any(tmp_path).mask_classes == ("background", "a", "b", "c")


@pytest.mark.parametrize(
    "names",
    [
        "colour,name\n#ff0000,core\n#00ff00,oedema\n",
        'color,name\n"255, 0, 0",core\nlime,oedema\n"0 0 0",background\n',
        "colour,name\nff0000,core\nrgb(0 255 0),oedema\n",
    ],
)
def test_colours_are_named_in_the_classes_file(tmp_path, names):
    write(tmp_path, two_colours)
    (reason,) = {bad.reason for bad in open_any(tmp_path).bad}
    assert reason.startswith(
        "9 masks are colour images, such as masks/01.png (colours #000000, #00ff00, #ff0000): add a classes.csv"
    )
    (tmp_path / "classes.csv").write_text(names)
    dataset = open_any(tmp_path)
    assert (dataset.bad, dataset.mask_classes) == ((), ("background", "oedema", "core"))
    expected = np.where(disc(5), np.where(COLUMNS > 22, 1, 2), 0)
    np.testing.assert_array_equal(dataset.read_mask(5), expected)
    assert dataset.table["mask_pixels"].iloc[5] == disc(5).sum()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("colour,name\n#ff0000,core\n", "masks/05.png contains the unknown colour #00ff00"),
        (
            "colour,name\nnot a colour,core\n",
            "classes.csv, line 2: write a colour such as #ff0000 or 255 0 0 and a name",
        ),
        ("colour,name\n300 0 0,core\n", "classes.csv, line 2: write a colour such as #ff0000"),
        ("kind,name\n1,core\n", "classes.csv has neither a column 'value' nor a column 'colour'"),
        ("value,name\n1,core\n", "masks are colour images"),
    ],
)
def test_colours_that_are_not_named_are_told(tmp_path, names, sentence):
    write(tmp_path, two_colours)
    for number in (7, 9, 11, 13, 15, 17):
        save(tmp_path / "masks" / f"{number:02d}.png", two_colours(disc(number) & (COLUMNS < 23)))
    (tmp_path / "classes.csv").write_text(names)
    try:
        reasons = {bad.reason for bad in open_masked_dataset(tmp_path).bad}
    except DataError as error:
        reasons = {str(error)}
    assert any(sentence in reason for reason in reasons)


def test_transparent_parts_of_a_mask_are_background(tmp_path):
    write(tmp_path, lambda marked: np.dstack([np.full((SIDE, SIDE, 3), 255, np.uint8), white(marked)]))
    dataset = open_any(tmp_path)
    np.testing.assert_array_equal(dataset.read_mask(3), disc(3))


def test_background_may_have_another_value_than_nought(tmp_path):
    write(tmp_path, lambda marked: np.where(marked, 0, 255).astype(np.uint8))
    (tmp_path / "classes.csv").write_text("value,name\n255,background\n0,tumour\n")
    dataset = open_any(tmp_path)
    np.testing.assert_array_equal(dataset.read_mask(3), disc(3))
    assert (dataset.table["mask_pixels"].gt(0).sum(), dataset.findings) == (COUNT // 2, ())
