"""MATLAB files of the figshare set: rows and columns, class, patient and mask."""

from __future__ import annotations

import csv

import h5py
import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.inspection import open_any
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.datasets.volumes.writing import cut_volumes
from brainseg.errors import DataError

IMAGE = np.arange(20 * 30).reshape(20, 30).astype(np.int16)
"""20 rows and 30 columns, all values different."""
MASK = np.zeros((20, 30), np.uint8)
MASK[2:5, 10:20] = 1


def save(file, label=1, patient="112649", image=IMAGE, mask=MASK):
    """Write a file as MATLAB does: by column, texts as numbers, and with 512 bytes in front."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w", userblock_size=512) as stored:
        content = stored.create_group("cjdata")
        content["label"] = np.array([[float(label)]])
        content["PID"] = np.array([[ord(letter)] for letter in patient], np.uint16)
        content["image"], content["tumorMask"] = image.T, mask.T
    return file


def test_slices_keep_class_patient_rows_and_columns(tmp_path):
    for number, (label, patient) in enumerate([(1, "112649"), (2, "112649"), (3, "MR0402")]):
        save(tmp_path / "set" / f"{number}.mat", label, patient)
    (tmp_path / "set" / "cvind.mat").write_bytes(b"MATLAB 5.0 MAT-file")

    made = cut_volumes(tmp_path / "set", tmp_path / "slices", CutSettings())

    with (made.folder / "manifest.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["label"] for row in rows] == ["meningioma", "glioma", "pituitary tumour"]
    assert [row["group"] for row in rows] == ["patient-0001", "patient-0001", "patient-0002"]
    assert {row["plane"] for row in rows} == {""}
    assert {row["modality"] for row in rows} == {"T1ce"}
    image = np.asarray(Image.open(made.folder / rows[0]["path"]))
    assert image.shape == IMAGE.shape
    assert (np.diff(image.ravel().astype(int)) >= 0).all()  # the order of the values is that of IMAGE
    assert np.array_equal(np.asarray(Image.open(made.folder / rows[0]["mask"])), MASK)
    assert "1 MATLAB file is left out: not of the figshare set, or damaged." in made.notes
    assert set(open_any(made.folder).classes) == {"meningioma", "glioma", "pituitary tumour"}
    assert b"112649" not in b"".join(file.read_bytes() for file in made.folder.rglob("*.*") if file.is_file())


def test_a_damaged_file_is_left_out_and_said(tmp_path):
    save(tmp_path / "set" / "1.mat")
    save(tmp_path / "set" / "2.mat", mask=MASK[:10])

    made = cut_volumes(tmp_path / "set", tmp_path / "slices", CutSettings())

    assert made.studies == 1
    assert "2 is left out: its file has a mask of another size than its image: copy it again." in made.notes


def test_files_that_are_none_of_these_are_refused(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + b"nothing behind it")

    with pytest.raises(DataError, match="holds no volumes"):
        cut_volumes(tmp_path / "set", tmp_path / "slices", CutSettings())
