"""Volumes in the list of datasets: kept as slices inside the home folder, completely or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from brainseg.datasets import library
from brainseg.datasets.registry import datasets_folder
from brainseg.datasets.volumes.adding import add_volumes
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.errors import DataError
from tests.datasets.volumes.studies import brats, lesion, save
from tests.datasets.zips import make_zip


def entries(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.gz")}


def leftovers() -> list[str]:
    return [path.name for path in datasets_folder().iterdir() if path.is_dir()]


def test_a_folder_is_cut_listed_and_deleted_when_it_is_forgotten(tmp_path):
    brats(tmp_path / "glioma", "BraTS2021_00001")

    known, made = add_volumes(tmp_path / "glioma", None, CutSettings())

    assert (known.name, known.source, known.images) == ("glioma", "volumes", 24)
    assert made.folder == Path(known.path)
    assert library.find("glioma") == known
    library.forget("glioma")
    assert not Path(known.path).exists()
    assert (tmp_path / "glioma").exists()


def test_a_zip_file_leaves_only_its_slices(tmp_path):
    brats(tmp_path / "set", "Jane_Doe")
    file = make_zip(entries(tmp_path / "set"))

    known, _ = add_volumes(file, "from a zip", CutSettings(sequences=("T1",)))

    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert known.images == 6
    assert {path.suffix for path in kept} <= {".png", ".csv", ".json", ".jsonl", ".lock", "", ".parquet"}
    assert not [path for path in kept if b"Doe" in path.read_bytes() or "Doe" in path.name]


def test_what_cannot_be_used_leaves_nothing(tmp_path):
    save(tmp_path / "set" / "p1_t1.nii.gz", lesion())

    with pytest.raises(DataError, match="No study has a mask"):
        add_volumes(tmp_path / "set", "x", CutSettings())
    with pytest.raises(DataError, match="zip"):
        add_volumes(io.BytesIO(b"nothing"), "x", CutSettings())

    assert not library.known_datasets()
    assert leftovers() == []
