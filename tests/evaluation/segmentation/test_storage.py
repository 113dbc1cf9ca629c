from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brainseg.errors import DataError
from brainseg.evaluation.segmentation import load_masks, save_masks
from tests.evaluation.segmentation.masks import pairs


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 21])
def test_masks_come_back_as_they_were(tmp_path, classes):
    masks = [mask for both in pairs(24, classes) for mask in both]
    save_masks(tmp_path / "masks.npz", iter(masks), classes)
    saved = load_masks(tmp_path / "masks.npz")
    assert len(saved) == len(masks)
    for index in (*range(len(masks)), -1):
        assert saved[index].dtype == np.uint8
        np.testing.assert_array_equal(saved[index], masks[index])
    with pytest.raises(IndexError):
        saved[len(masks)]


def test_files_are_small_and_the_empty_one_is_a_file_too(tmp_path):
    save_masks(tmp_path / "masks.npz", (np.zeros((256, 256), np.uint8) for _ in range(100)))
    assert (tmp_path / "masks.npz").stat().st_size < 10_000
    save_masks(tmp_path / "none.npz", [])
    assert len(load_masks(tmp_path / "none.npz")) == 0


def test_what_is_no_mask_is_refused(tmp_path):
    for wrong in (np.zeros((2, 2)), np.zeros(4, np.uint8), np.full((2, 2), 2, np.uint8)):
        with pytest.raises(ValueError, match="must be"):
            save_masks(tmp_path / "masks.npz", [wrong])
    assert list(tmp_path.iterdir()) == []


def saved(file: Path) -> dict[str, np.ndarray]:
    save_masks(file, [mask for mask, _ in pairs(8)])
    with np.load(file) as stored:
        return dict(stored)


@pytest.mark.parametrize(
    "change",
    [
        {"shapes": np.array([[10**6, 10**6]] * 8, np.int32)},
        {"shapes": np.array([[-1, 5]] * 8, np.int32)},
        {"ends": np.arange(8)[::-1].copy()},
        {"ends": np.full(8, 10**9)},
        {"planes": np.array(99)},
        {"planes": np.array([1, 1])},
        {"data": np.zeros(3)},
        {"shapes": np.array([object()] * 8)},
    ],
)
def test_damaged_file_is_one_sentence(tmp_path, change):
    np.savez(tmp_path / "masks.npz", **{**saved(tmp_path / "masks.npz"), **change})
    with pytest.raises(DataError, match=r"^masks\.npz .*: evaluate the run again\.$"):
        load_masks(tmp_path / "masks.npz")


def test_damaged_mask_is_one_sentence(tmp_path):
    arrays = saved(tmp_path / "masks.npz")
    np.savez(tmp_path / "noise.npz", **{**arrays, "data": arrays["data"][::-1].copy()})
    with pytest.raises(DataError, match="damaged: evaluate the run again"):
        load_masks(tmp_path / "noise.npz")[0]
    np.savez(tmp_path / "grown.npz", **{**arrays, "shapes": arrays["shapes"] * 2})
    with pytest.raises(DataError, match="damaged: evaluate the run again"):
        load_masks(tmp_path / "grown.npz")[0]


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04half"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "masks.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"^masks\.npz holds no saved masks"):
        load_masks(tmp_path / "masks.npz")
    with pytest.raises(DataError, match=r"^gone\.npz does not exist"):
        load_masks(tmp_path / "gone.npz")
