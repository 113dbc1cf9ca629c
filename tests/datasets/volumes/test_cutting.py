"""Slices of volumes: the right pixels under the right mask, named classes, and nothing that names a patient."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from brainseg import paths
from brainseg.datasets.inspection import open_any
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.origin import synthetic_rows
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.datasets.volumes.writing import cut_volumes
from brainseg.errors import DataError
from brainseg.phantom.dicom_series import write_series
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.slices import PLANES, slice_scans
from tests.datasets.volumes.studies import AFFINE, LESION, SHAPE, brats, head, lesion, save


def cut(source: Path, **settings: object):
    return cut_volumes(source, source.parent / f"{source.name}-slices", CutSettings(**settings))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pixels(folder: Path, path: str) -> np.ndarray:
    return np.asarray(Image.open(folder / path))


@pytest.mark.parametrize("plane", PLANES)
def test_the_lesion_is_under_its_mask_and_at_its_place_in_each_plane(tmp_path, plane):
    brats(tmp_path / "set", "BraTS2021_00001")

    made = cut(tmp_path / "set", plane=plane)

    marked = [row for row in rows(made.folder) if row["label"] == "tumour" and row["modality"] == "T1"]
    axis = PLANES[plane]
    places = [int(row["slice"].rsplit("_", 1)[1]) for row in marked]
    assert places == list(range(LESION[axis].start, LESION[axis].stop))
    across, down = (side for side in range(3) if side != axis)
    for row in marked:
        mask, image = pixels(made.folder, row["mask"]), pixels(made.folder, row["path"])
        assert mask.shape == image.shape == (SHAPE[down], SHAPE[across])
        found = np.argwhere(mask)
        # A slice shows the head's top or front at the top, and its right side or front at the left.
        assert found.min(0).tolist() == [SHAPE[down] - LESION[down].stop, SHAPE[across] - LESION[across].stop]
        assert found.max(0).tolist() == [SHAPE[down] - LESION[down].start - 1, SHAPE[across] - LESION[across].start - 1]
        assert set(np.unique(mask)) == {0, 4}
        assert image[mask > 0].min() > image[mask == 0].max()
        assert row["spacing_mm"] == f"{AFFINE[down, down]:g} {AFFINE[across, across]:g}"


def test_the_stored_orientation_makes_no_difference(tmp_path):
    for orientation in ("RAS", "LPS", "PIR", "SAL"):
        place = tmp_path / orientation
        save(place / "p1_t1.nii.gz", head(), orientation)
        save(place / "p1_seg.nii.gz", lesion(), "LAS")
        cut(place)

    first = tmp_path / "RAS-slices"
    files = sorted(path.relative_to(first) for path in first.rglob("*.png"))
    assert len(files) == 12
    for other in ("LPS", "PIR", "SAL"):
        for file in files:
            assert np.array_equal(pixels(first, str(file)), pixels(tmp_path / f"{other}-slices", str(file)))


def test_slices_are_those_that_a_diagnosis_sees(tmp_path):
    study = brats(tmp_path / "set", "BraTS2021_00001")
    made = cut(tmp_path / "set")
    (volume,) = read_volumes(study / "BraTS2021_00001_flair.nii.gz", paths.secret())
    scans = list(slice_scans(volume, "axial"))

    flair = [row for row in rows(made.folder) if row["modality"] == "FLAIR"]

    assert len(flair) == 6  # the two outside the head are left out
    for row in flair:
        place = int(row["slice"].rsplit("_", 1)[1])
        assert np.array_equal(pixels(made.folder, row["path"]), scans[place].pixels[..., 0])


def test_the_dataset_opens_with_masks_patients_and_sequences_as_channels(tmp_path):
    for name in ("BraTS-GLI-00001-000", "BraTS-GLI-00001-001", "BraTS-GLI-00002-000"):
        brats(tmp_path / "set", name, ("t1n", "t1c", "t2w", "t2f"), value=3, seg="-seg")
    made = cut(tmp_path / "set", sequences=("t1ce", "FLAIR"))

    dataset = open_masked_dataset(made.folder, ("FLAIR", "T1ce"))

    assert (made.studies, made.patients, made.slices, made.images, made.marked) == (3, 2, 18, 36, 6)
    assert made.sequences == {"FLAIR": 3, "T1ce": 3}
    assert len(dataset.table) == 18
    assert dataset.channels == ("FLAIR", "T1ce", "FLAIR")
    assert set(dataset.table["group"]) == {"patient-0001", "patient-0002"}
    assert not dataset.bad
    assert not [finding for finding in dataset.findings if "not used" in finding.message]
    assert open_any(made.folder).classes == ("no tumour", "tumour")


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ((1, 2, 4), {1: "necrotic core", 2: "oedema", 4: "enhancing tumour"}),
        ((1, 2, 3), {1: "necrotic core", 2: "oedema", 3: "enhancing tumour"}),
        ((1, 2, 3, 4), {1: "non-enhancing core", 2: "oedema", 3: "enhancing tumour", 4: "resection cavity"}),
        ((1, 2), {1: "necrotic core", 2: "oedema"}),
        ((4,), {4: "tumour"}),
    ],
)
def test_the_values_say_which_brats_it_is(tmp_path, values, classes):
    brats(tmp_path / "set", "BraTS2021_00001")
    mask = lesion(0)
    for place, value in enumerate(values):
        mask[4 + place, 12:18, 3] = value
    save(tmp_path / "set/BraTS2021_00001/BraTS2021_00001_seg.nii.gz", mask)

    made = cut(tmp_path / "set")

    assert made.classes == {0: "background", **classes}
    dataset = open_masked_dataset(made.folder)
    assert dataset.mask_classes == ("background", *classes.values())
    drawn = np.unique(np.concatenate([pixels(made.folder, row["mask"]).ravel() for row in rows(made.folder)]))
    assert drawn.tolist() == [0, *values]


def test_masks_of_two_brats_years_are_not_mixed(tmp_path):
    for number, value in enumerate((3, 4)):
        study = brats(tmp_path / "set", f"BraTS2021_0000{number}")
        mask = lesion(value)
        mask[4, 12, 3] = 1
        save(study / f"BraTS2021_0000{number}_seg.nii.gz", mask)

    with pytest.raises(DataError, match="of different BraTS years"):
        cut(tmp_path / "set")
    assert not (tmp_path / "set-slices").exists()


def test_values_between_labels_through_a_scale_are_rounded_and_others_refused(tmp_path):
    brats(tmp_path / "set", "BraTS2021_00001")
    file = tmp_path / "set/BraTS2021_00001/BraTS2021_00001_seg.nii.gz"
    mask = lesion(3)
    mask[4, 12, 3] = 1
    image = nib.Nifti1Image(mask.astype(np.float64), AFFINE)
    image.header.set_data_dtype(np.int16)  # nibabel then scales to the whole range of int16
    nib.save(image, file)
    assert nib.load(file).get_fdata().astype(np.uint8).max() == 2  # what cutting off the decimals makes of label 3

    made = cut(tmp_path / "set")
    drawn = {value for row in rows(made.folder) for value in np.unique(pixels(made.folder, row["mask"])).tolist()}
    assert drawn == {0, 1, 3}

    save(file, lesion().astype(np.float32) * 0.5)
    with pytest.raises(DataError, match=r"its mask is no mask: it holds 0\.5, and labels are whole numbers"):
        cut_volumes(tmp_path / "set", tmp_path / "again", CutSettings())


def test_sequences_on_another_grid_are_resampled_to_the_mask_which_is_not(tmp_path):
    save(tmp_path / "set/p1_t1.nii.gz", head())
    coarse = head()[::2, ::2]
    affine = AFFINE @ np.diag([2.0, 2.0, 1.0, 1.0])
    save(tmp_path / "set/p1_flair.nii.gz", coarse, affine=affine)
    save(tmp_path / "set/p1_seg.nii.gz", lesion())

    made = cut(tmp_path / "set")

    assert "FLAIR lay on another grid in 1 study and was resampled." in made.notes
    marked = [row for row in rows(made.folder) if row["label"] == "tumour"]
    assert {row["modality"] for row in marked} == {"T1", "FLAIR"}
    for row in marked:
        mask, image = pixels(made.folder, row["mask"]), pixels(made.folder, row["path"])
        assert (mask > 0).sum() == 5 * 6
        assert image[mask > 0].mean() > 2 * image[(mask == 0) & (image > 0)].mean()


def test_nothing_in_the_dataset_names_a_patient(tmp_path):
    source = tmp_path / "set"
    write_series(source / "Jane_Doe" / "T1", head(), AFFINE, "T1", "axial", "Jane_Doe")
    save(source / "Jane_Doe" / "mask.nii.gz", lesion())
    brats(source, "Richard_Roe_1999-12-31")

    made = cut(source)

    assert made.studies == 2
    for file in made.folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        for name in (b"Jane", b"Doe", b"Richard", b"Roe", b"1999"):
            assert name not in content
            assert name.decode() not in str(file.relative_to(made.folder))


def test_public_names_may_be_kept(tmp_path):
    brats(tmp_path / "set", "BraTS-GLI-00001-000", ("t1n", "t1c", "t2w", "t2f"), seg="-seg")

    made = cut(tmp_path / "set", keep_names=True)

    assert {row["group"] for row in rows(made.folder)} == {"BraTS-GLI-00001"}
    assert all(row["path"].startswith("images/BraTS-GLI-00001-000/") for row in rows(made.folder))


def test_studies_without_a_mask_or_a_sequence_are_left_out_with_the_reason(tmp_path):
    brats(tmp_path / "set", "BraTS2021_00001")
    (brats(tmp_path / "set", "BraTS2021_00002") / "BraTS2021_00002_flair.nii.gz").unlink()
    (brats(tmp_path / "set", "BraTS2021_00003") / "BraTS2021_00003_seg.nii.gz").unlink()

    made = cut(tmp_path / "set", sequences=("T1", "FLAIR"))

    assert made.studies == 1
    assert "1 study has no mask and is left out." in made.notes
    assert "BraTS2021_00002 is left out: it has no FLAIR." in made.notes


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"plane": "oblique"}, "The plane must be one of axial, coronal, sagittal, not 'oblique'."),
        ({"sequences": ("CT",)}, "The sequences must be among T1, T1ce, T2, FLAIR, not 'CT'."),
        ({"every": 0}, "Take every slice (1) or each so-many-th, not 0."),
    ],
)
def test_settings_are_checked(tmp_path, settings, sentence):
    with pytest.raises(DataError) as error:
        cut(tmp_path, **settings)
    assert str(error.value) == sentence


def test_without_masks_it_needs_classes(tmp_path):
    for label in ("ill", "well"):
        for number in range(2):
            save(tmp_path / "set" / label / f"p{number}" / "t1.nii.gz", head(number))

    with pytest.raises(DataError, match="No study has a mask, so there is nothing to learn"):
        cut(tmp_path / "set")
    made = cut(tmp_path / "set", class_folders=True)

    dataset = open_any(made.folder)
    assert dataset.classes == ("ill", "well")
    assert dataset.table["group"].nunique() == made.patients == 2  # p0 of one class may be p0 of the other
    assert made.notes[0].startswith("Each slice has the class of its folder")


def test_synthetic_volumes_become_synthetic_slices(tmp_path):
    brats(tmp_path / "set", "synthetic_s00001")
    brats(tmp_path / "other", "BraTS2021_00001")

    assert all(synthetic_rows(open_any(cut(tmp_path / "set").folder)))
    assert not any(synthetic_rows(open_any(cut(tmp_path / "other").folder)))


def test_an_occupied_place_is_refused_and_an_interrupted_one_leaves_nothing(tmp_path):
    brats(tmp_path / "set", "BraTS2021_00001")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")

    for place, sentence in ((tmp_path / "full", "is not empty"), (tmp_path / "set" / "out", "lies inside the folder")):
        with pytest.raises(DataError, match=sentence):
            cut_volumes(tmp_path / "set", place, CutSettings())

    def stop(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_volumes(tmp_path / "set", tmp_path / "new", CutSettings(), stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "home", "set"]


def test_every_second_slice(tmp_path):
    brats(tmp_path / "set", "BraTS2021_00001")
    made = cut(tmp_path / "set", every=2, sequences=("T1",))
    assert [row["slice"][-3:] for row in rows(made.folder)] == ["001", "003", "005"]
    assert json.loads((made.folder / "volumes.json").read_text())["settings"]["every"] == 2
