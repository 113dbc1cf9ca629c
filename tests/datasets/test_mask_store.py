from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.config import PreparationConfig
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.mask_store import MaskStore
from brainseg.errors import DataError
from brainseg.preparation.cache import prepared_images, prepared_masks
from tests.datasets.conftest import opened_pngs
from tests.datasets.masked import save, spot, write_pairs

SETTINGS = PreparationConfig(size=32)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """One entry for each image that Pillow opens."""
    opened: list[int] = []
    open_image = Image.open
    monkeypatch.setattr(Image, "open", lambda *args, **options: opened.append(1) or open_image(*args, **options))
    return opened


def test_a_mask_is_decoded_once_and_its_image_twice_from_opening_to_judging(tmp_path, monkeypatch, decoded):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    dataset = open_masked_dataset(write_pairs(tmp_path / "pairs", ["a", "b", "c"]))
    assert len(decoded) == 6  # three images and three masks
    images = prepared_images(dataset, SETTINGS)
    assert len(decoded) == 9
    prepared_masks(dataset, SETTINGS, images=images)
    truths = [dataset.read_mask(row) for row in range(3)]
    assert len(decoded) == 9
    np.testing.assert_array_equal(truths[0], spot(value=1))


def test_a_mask_that_changed_is_decoded_again_and_refused(tmp_path):
    dataset = open_masked_dataset(write_pairs(tmp_path, ["a", "b"]))
    save(dataset.file("masks/b.png"), spot())
    with pytest.raises(DataError, match=r"^b\.png changed while it was being read"):
        dataset.read_mask(1)


def test_masks_beyond_the_limit_are_read_as_before(tmp_path):
    save(tmp_path / "a.png", spot())
    store = MaskStore(limit=10)
    with opened_pngs() as opened:
        first, second = (store.read(tmp_path, "a.png", False) for _ in range(2))
    assert len(opened) == 2
    np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize("values", [spot(), spot().astype(np.int32) * 200, spot().astype(np.float32) / 510])
def test_kept_values_are_those_of_the_file(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "a.tif")
    store = MaskStore()
    first, again = (store.read(tmp_path, "a.tif", False) for _ in range(2))
    assert again.values.dtype == first.values.dtype
    np.testing.assert_array_equal(again.values, first.values)
    assert (again.sha256, again.size, again.pages, again.orientation) == (
        *(first.sha256, first.size, first.pages, first.orientation),
    )


def test_threads_that_share_a_mask_decode_it_once(tmp_path: Path, decoded):
    save(tmp_path / "a.png", spot())
    store = MaskStore()
    with ThreadPoolExecutor(4) as pool:
        masks = list(pool.map(lambda _: store.read(tmp_path, "a.png", False).values, range(12)))
    assert len(decoded) == 1
    assert all((mask == masks[0]).all() for mask in masks)
