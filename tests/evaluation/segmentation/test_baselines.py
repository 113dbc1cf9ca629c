from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.evaluation.segmentation import OtsuMasks, evaluate_baselines, evaluate_masks, otsu
from tests.datasets.masked import picture, save, spot, write_lgg, write_pairs


def head(bright: slice = slice(20, 28), side: int = 48) -> np.ndarray:
    """A grey head on black, with something bright in it."""
    image = np.zeros((side, side), np.uint8)
    image[6:-6, 6:-6] = np.random.default_rng(0).integers(70, 100, (side - 12, side - 12))
    image[bright, bright] = 230
    return image


def baselines(dataset: MaskedDataset, rows: list[int]) -> dict[str, pd.DataFrame]:
    masks, truths = OtsuMasks(dataset, rows), [dataset.read_mask(row) for row in rows]
    return evaluate_baselines(dataset.table.iloc[rows], truths, (masks[row] for row in rows), dataset.mask_classes)


def test_otsu_finds_what_is_bright_inside_the_head():
    grey = head()
    mask = otsu(np.dstack([grey] * 3))
    expected = np.zeros_like(grey)
    expected[20:28, 20:28] = 1
    np.testing.assert_array_equal(mask, expected)
    level, _ = cv2.threshold(grey[6:-6, 6:-6].reshape(-1, 1), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    np.testing.assert_array_equal(mask, (grey > level).astype(np.uint8))
    # Over the whole image, the threshold would only separate the head from the black around it.
    whole, _ = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    assert whole < level


def test_otsu_looks_at_the_channel_that_it_is_told_to():
    pixels = np.dstack([head(slice(10, 14)), head(slice(30, 36)), head(slice(10, 14))])
    assert otsu(pixels, 1)[30:36, 30:36].all()
    assert not otsu(pixels, 1)[10:14, 10:14].any()


@pytest.mark.parametrize("value", [0, 255])
def test_otsu_of_a_picture_of_one_value_is_empty(value):
    assert not otsu(np.full((30, 30, 3), value, np.uint8)).any()


def test_baselines_are_judged_on_the_rows_asked_for(tmp_path):
    write_pairs(tmp_path, ["a", "b", "c"])
    for name in ("a", "c"):
        image = picture(name)
        image[spot() > 0] = 250
        save(tmp_path / "images" / f"{name}.png", image)
    dataset = open_masked_dataset(tmp_path)
    tables = baselines(dataset, [0, 2])
    assert {name: table["path"].tolist() for name, table in tables.items()} == {
        "all background": ["images/a.png", "images/c.png"],
        "Otsu": ["images/a.png", "images/c.png"],
    }
    scores = {name: evaluate_masks(table, dataset.mask_classes).dice for name, table in tables.items()}
    assert scores["all background"] == 0
    assert scores["Otsu"] > 0.9


def test_otsu_takes_flair_where_the_channels_have_names(tmp_path):
    dataset = open_masked_dataset(write_lgg(tmp_path))
    table = baselines(dataset, [1])["Otsu"]
    assert table["predicted_pixels"].tolist() == [int(otsu(dataset.read(1), 1).sum())]


def test_a_mask_comes_from_the_image_that_was_decoded_for_another_purpose(tmp_path):
    write_pairs(tmp_path, ["a", "b"])
    dataset = open_masked_dataset(tmp_path)
    masks, pixels = OtsuMasks(dataset, [1]), dataset.read(1)
    masks.compute(0, dataset.read(0))
    masks.compute(1, pixels)
    (tmp_path / "images" / "b.png").unlink()
    np.testing.assert_array_equal(masks[1], otsu(pixels))
    with pytest.raises(KeyError):
        masks[0]
