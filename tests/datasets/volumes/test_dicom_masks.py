"""Segmentation objects as masks: at their place, with their names, and refused where they are no mask."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from brainseg import paths
from brainseg.datasets.volumes.finding import find_studies
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.datasets.volumes.writing import cut_volumes
from brainseg.errors import DataError, ScanError
from brainseg.phantom.dicom_series import write_series
from brainseg.scans.volumes.dicom_masks import mask_volume
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.segmentation_object import Algorithm, segmentation_object
from tests.datasets.volumes.studies import AFFINE, LESION, head, lesion, save
from tests.datasets.volumes.test_cutting import pixels, rows

NAMES = ("oedema", "enhancing tumour")


def study(root, person, plane="axial", mask=None):
    """A series with a segmentation object of two classes."""
    write_series(root / person / "T1", head(), AFFINE, "T1", plane, person)
    (volume,) = read_volumes(root / person / "T1", paths.secret())
    drawn = lesion(2) if mask is None else mask
    drawn[LESION[0].start, 12:18, 3] = 1
    made = segmentation_object(drawn, NAMES, volume, Algorithm("net", "0" * 64))
    (root / person / "mask.dcm").write_bytes(made)
    return volume, drawn


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_mask_is_read_back_on_the_grid_of_its_images(tmp_path, plane):
    volume, drawn = study(tmp_path / "set", "p1", plane)

    read = mask_volume(tmp_path / "set" / "p1" / "mask.dcm")

    assert np.array_equal(read.array, drawn)
    assert np.allclose(read.affine, volume.affine, atol=1e-4)


def test_it_is_the_mask_of_its_study_wherever_it_lies_and_names_its_classes(tmp_path):
    for person in ("p1", "p2"):
        study(tmp_path / "set", person)
    (tmp_path / "set" / "p1" / "mask.dcm").rename(tmp_path / "set" / "p2" / "of-another.dcm")

    made = cut_volumes(tmp_path / "set", tmp_path / "slices", CutSettings())

    assert (made.studies, made.patients, made.marked) == (2, 2, 4)
    assert made.classes == {0: "background", 1: "oedema", 2: "enhancing tumour"}
    for row in rows(made.folder):
        if row["label"] == "tumour":
            mask, image = pixels(made.folder, row["mask"]), pixels(made.folder, row["path"])
            assert image[mask > 0].min() > image[mask == 0].max()


def test_two_masks_of_a_study_need_a_pattern(tmp_path):
    study(tmp_path / "set", "p1")
    save(tmp_path / "set" / "p1" / "mask.nii.gz", lesion())

    with pytest.raises(DataError, match="it has 2 masks: say which one counts"):
        cut_volumes(tmp_path / "set", tmp_path / "slices", CutSettings())
    for pattern, name in (("*/*.dcm", "mask.dcm"), ("*/*.nii.gz", "mask.nii.gz")):
        ((mask,),) = [each.masks for each in find_studies(tmp_path / "set", b"k", pattern).studies]
        assert mask.name == name


def test_probabilities_and_damage_are_refused(tmp_path):
    study(tmp_path / "set", "p1")
    file = tmp_path / "set" / "p1" / "mask.dcm"
    whole = file.read_bytes()

    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ScanError, match="is damaged or incomplete"):
        mask_volume(file)

    file.write_bytes(whole)
    data = pydicom.dcmread(file)
    data.SegmentationType, data.SegmentationFractionalType, data.MaximumFractionalValue = (
        "FRACTIONAL",
        "PROBABILITY",
        255,
    )
    data.save_as(file)
    with pytest.raises(ScanError, match="holds probabilities and no mask"):
        mask_volume(file)
