"""A dataset that was read before is opened without reading its images, unless something changed."""

import os
from pathlib import Path

import pytest

from brainseg.datasets import image_reading
from brainseg.datasets.inspection import inspect_dataset, signature
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.reopening import reopen_dataset, reopen_masked_dataset
from brainseg.datasets.sources import open_dataset
from brainseg.errors import DataError
from tests.conftest import write_set
from tests.datasets.masked import write_pairs


@pytest.fixture
def read(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were decoded, in a home folder of their own."""
    found: list[str] = []
    real = image_reading.read_scan
    monkeypatch.setattr(image_reading, "read_scan", lambda file: found.append(Path(file).name) or real(file))
    return found


def test_a_dataset_is_read_once_whoever_opens_it(read: list[str], tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", ("no", "yes"), 3)
    first = reopen_dataset(root)
    assert len(read) == 6
    again, seen = reopen_dataset(root), inspect_dataset(root)
    assert len(read) == 6
    assert first.grouped_fingerprint == again.grouped_fingerprint == seen.grouped_fingerprint
    assert again.table.equals(open_dataset(root).table)
    assert (again.read(2) == first.read(2)).all()


def test_a_change_behind_the_same_size_and_time_is_noticed(read: list[str], tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", ("no", "yes"), 2)
    file = next(root.rglob("*.png"))
    before, stamp = file.stat(), signature(root)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert signature(root) != stamp


def test_a_change_in_a_linked_class_folder_is_noticed(read: list[str], tmp_path: Path) -> None:
    elsewhere = write_set(tmp_path / "elsewhere", ("no", "yes"), 2)
    root = tmp_path / "set"
    root.mkdir()
    for name in ("no", "yes"):
        (root / name).symlink_to(elsewhere / name)
    (root / "no" / "loop").symlink_to(root)
    assert len(reopen_dataset(root).table) == 4
    next((elsewhere / "no").glob("*.png")).unlink()
    assert len(reopen_dataset(root).table) == 3


def test_masks_and_classes_are_never_taken_for_each_other(read: list[str], tmp_path: Path) -> None:
    root = tmp_path / "pairs"
    write_pairs(root, ["p1_0", "p1_1", "p2_0"])
    first, again = reopen_masked_dataset(root), reopen_masked_dataset(root)
    assert again.fingerprint == first.fingerprint
    assert isinstance(inspect_dataset(root), MaskedDataset)
    assert (again.read_mask(0) == first.read_mask(0)).all()


@pytest.mark.parametrize("path", ["~nobody-by-this-name/x", "a\0b", "/no/such/folder"])
def test_a_path_that_cannot_be_opened_is_refused_in_a_sentence(home: Path, path: str) -> None:
    for reopen in (reopen_dataset, reopen_masked_dataset):
        with pytest.raises(DataError):
            reopen(Path(path))
