"""The name of a dataset, and which of its images are synthetic."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from brainseg.datasets.library import add_folder
from brainseg.datasets.origin import dataset_name, synthetic_rows
from brainseg.datasets.sources import open_dataset
from brainseg.phantom import write_phantom


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "phantom"
    write_phantom(folder, 8, size=64)
    return folder


def test_a_phantom_and_its_subsets_and_copies_are_synthetic(phantom: Path, tiny_set: Path, tmp_path: Path) -> None:
    assert all(synthetic_rows(open_dataset(phantom)))
    assert not any(synthetic_rows(open_dataset(tiny_set)))
    for name in ("no_tumour", "tumour"):
        shutil.copytree(phantom / name, tmp_path / "subset" / name)
        for number, file in enumerate(sorted((tmp_path / "subset" / name).iterdir())):
            if number % 2:
                file.rename(file.with_name(f"{number}.png"))  # the note in the file remains
            else:
                Image.open(file).save(file.with_suffix(".jpg"))  # the name remains
                file.unlink()
        shutil.copy(tiny_set / "no" / "000.png", tmp_path / "subset" / name / f"real-{name}.png")
    subset = open_dataset(tmp_path / "subset")
    found = dict(zip(subset.table["path"], synthetic_rows(subset), strict=True))
    assert found == {path: "real" not in path for path in found}


def test_a_dataset_is_called_as_in_the_list_or_as_its_folder(home: Path, tiny_set: Path, tmp_path: Path) -> None:
    assert dataset_name(tiny_set) == "tiny"
    assert dataset_name(tmp_path / "sets" / "table.csv") == "table"
    add_folder(tiny_set, "My set")
    assert dataset_name(tiny_set) == "My set"
    assert dataset_name(tiny_set / "manifest.csv") == "My set"
