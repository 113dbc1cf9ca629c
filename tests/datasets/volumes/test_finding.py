"""Which files belong to which study of which patient, in every layout that data come in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from brainseg.datasets.volumes.finding import find_studies
from brainseg.errors import DataError
from brainseg.phantom.dicom_series import write_series
from tests.datasets.volumes.studies import AFFINE, brats, head, lesion, save

KEY = b"key"
FOUR = {"T1", "T1ce", "T2", "FLAIR"}


def sequences(study):
    return {image.sequence for image in study.images}


@pytest.mark.parametrize(
    ("names", "endings", "seg", "patients"),
    [
        (("BraTS20_Training_001", "BraTS20_Training_002"), ("t1", "t1ce", "t2", "flair"), "_seg", 2),
        (("BraTS2021_00000", "BraTS2021_00002"), ("t1", "t1ce", "t2", "flair"), "_seg", 2),
        (("BraTS-GLI-00005-000", "BraTS-GLI-00005-001"), ("t1n", "t1c", "t2w", "t2f"), "-seg", 1),
        (("Brats18_CBICA_AAM_1", "Brats18_CBICA_AAP_1"), ("t1", "t1ce", "t2", "flair"), "_seg", 2),
    ],
)
def test_brats_of_every_year(tmp_path, names, endings, seg, patients):
    for name in names:
        brats(tmp_path, name, endings, seg=seg)

    found = find_studies(tmp_path, KEY)

    assert [study.name for study in found.studies] == list(names)
    assert all(sequences(study) == FOUR and len(study.masks) == 1 for study in found.studies)
    assert len({study.patient for study in found.studies}) == patients  # time points are of one patient
    assert found.brats
    assert not found.problems


def test_brats_of_2015_has_a_folder_for_each_file(tmp_path):
    import SimpleITK as sitk

    for patient in ("brats_tcia_pat105_1", "brats_tcia_pat109_1"):
        for number, kind in enumerate(("MR_T1", "MR_T1c", "MR_T2", "MR_Flair", "OT")):
            stem = f"VSD.Brain.XX.O.{kind}.3500{number}"
            (tmp_path / patient / stem).mkdir(parents=True)
            image = sitk.GetImageFromArray((lesion() if kind == "OT" else head()).T)
            sitk.WriteImage(image, tmp_path / patient / stem / f"{stem}.mha")

    found = find_studies(tmp_path, KEY)

    assert [study.patient for study in found.studies] == ["brats_tcia_pat105_1", "brats_tcia_pat109_1"]
    assert all(sequences(study) == FOUR and len(study.masks) == 1 for study in found.studies)
    assert found.brats


def decathlon(root, labels, channels, key="modality"):
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps({key: channels, "labels": labels}))


def test_the_decathlon_keeps_sequences_in_one_file(tmp_path):
    decathlon(tmp_path, {"0": "background", "1": "edema"}, {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"})
    stacked = np.stack([head(number) for number in range(4)], -1)
    for name in ("BRATS_001", "BRATS_002"):
        save(tmp_path / "imagesTr" / f"{name}.nii.gz", stacked)
        save(tmp_path / "labelsTr" / f"{name}.nii.gz", lesion())
    save(tmp_path / "imagesTs" / "BRATS_485.nii.gz", stacked)

    found = find_studies(tmp_path, KEY)

    (first, _) = found.studies
    assert [(image.sequence, image.number) for image in first.images] == [
        ("FLAIR", 0), ("T1", 1), ("T1ce", 2), ("T2", 3),
    ]  # fmt: skip
    assert found.label_names == {0: "background", 1: "edema"}
    assert first.split == ""
    assert found.problems == ("1 file in imagesTs is left out: no mask.",)


def test_nnunet_keeps_a_file_for_each_channel(tmp_path):
    decathlon(tmp_path, {"background": 0, "tumour": 1}, {"0": "T1", "1": "FLAIR"}, "channel_names")
    for side, name in (("Tr", "case_1"), ("Ts", "case_2")):
        for channel in range(2):
            save(tmp_path / f"images{side}" / f"{name}_{channel:04d}.nii.gz", head(channel))
        save(tmp_path / f"labels{side}" / f"{name}.nii.gz", lesion())

    studies = find_studies(tmp_path, KEY).studies

    assert [(study.name, study.split) for study in studies] == [("case_1", "train"), ("case_2", "test")]
    assert [[image.sequence for image in study.images] for study in studies] == [["T1", "FLAIR"]] * 2


@pytest.mark.parametrize("labels", [{"background": 0, "whole": [1, 2]}, {"background": 0, "tumour": 1, "ignore": 2}])
def test_labels_that_no_class_number_can_hold_are_refused(tmp_path, labels):
    decathlon(tmp_path, labels, {"0": "T1"}, "channel_names")
    save(tmp_path / "imagesTr" / "a_0000.nii.gz", head())
    save(tmp_path / "labelsTr" / "a.nii.gz", lesion())

    with pytest.raises(DataError, match="does not support: give each value one name"):
        find_studies(tmp_path, KEY)


def test_bids_keeps_masks_among_the_derivatives(tmp_path):
    for session in ("ses-1", "ses-2"):
        anat = tmp_path / "sub-01" / session / "anat"
        save(anat / f"sub-01_{session}_T1w.nii.gz", head())
        save(anat / f"sub-01_{session}_ce-gadolinium_T1w.nii.gz", head(1))
        mask = tmp_path / "derivatives" / "lesions" / "sub-01" / session / "anat"
        save(mask / f"sub-01_{session}_space-T1w_label-lesion_mask.nii.gz", lesion())

    studies = find_studies(tmp_path, KEY).studies

    assert [study.name for study in studies] == ["sub-01_ses-1", "sub-01_ses-2"]
    assert {study.patient for study in studies} == {"sub-01"}
    assert all(sequences(study) == {"T1", "T1ce"} and len(study.masks) == 1 for study in studies)


def test_folders_may_sort_by_sequence_or_by_patient(tmp_path):
    for name in ("p1", "p2"):
        for folder, values in (("T1", head()), ("FLAIR", head(1)), ("masks", lesion())):
            save(tmp_path / "sorted" / folder / f"{name}.nii.gz", values)
            save(tmp_path / "patients" / name / f"{folder.removesuffix('s')}.nii.gz", values)

    for place in ("sorted", "patients"):
        studies = find_studies(tmp_path / place, KEY).studies
        assert all(study.name.strip(".") in ("p1", "p2") for study in studies)
        assert [study.patient for study in studies] == ["p1", "p2"]
        assert all(sequences(study) == {"T1", "FLAIR"} and len(study.masks) == 1 for study in studies)


def test_files_of_one_name_in_two_patients_folders_are_two_studies(tmp_path):
    for patient in ("p1", "p2"):
        save(tmp_path / patient / "scan_t1.nii.gz", head())
        save(tmp_path / patient / "seg" / "manual.nii.gz", lesion())

    studies = find_studies(tmp_path, KEY).studies

    assert [(study.patient, len(study.images), len(study.masks)) for study in studies] == [("p1", 1, 1), ("p2", 1, 1)]
    assert all(study.patient in str(study.masks[0]) for study in studies)


def test_many_studies_in_a_folder_are_not_one_patient(tmp_path):
    for number in range(8):
        save(tmp_path / "HGG" / f"pat{number}_t1.nii.gz", head())
        save(tmp_path / "HGG" / f"pat{number}_seg.nii.gz", lesion())

    found = find_studies(tmp_path, KEY)

    assert len({study.patient for study in found.studies}) == 8
    assert found.patients_by == "the names of the files"


def test_a_pattern_says_which_files_are_masks(tmp_path):
    save(tmp_path / "p1" / "raw" / "p1_t1.nii.gz", head())
    for place in ("fusion/simple", "fusion/other", "segmentation/net"):
        save(tmp_path / "p1" / f"{place}.nii.gz", lesion())

    found = find_studies(tmp_path, KEY, "*/fusion/simple.nii.gz")

    ((mask,),) = [study.masks for study in found.studies]
    assert mask.name == "simple.nii.gz"
    assert found.problems[0].startswith("2 files are left out")


def test_a_mask_between_several_studies_belongs_to_none(tmp_path):
    for patient in ("p1", "p2"):
        save(tmp_path / patient / f"{patient}_t1.nii.gz", head())
    save(tmp_path / "mask.nii.gz", lesion())

    found = find_studies(tmp_path, KEY)

    assert not any(study.masks for study in found.studies)
    assert found.problems == ("1 file is left out: a mask without a study of its name or in its folder.",)


def test_dicom_files_are_sorted_by_their_headers_and_take_the_mask_beside_them(tmp_path):
    for person in ("Jane_Doe", "Richard_Roe"):
        write_series(tmp_path / person / "T1", head(), AFFINE, "T1", "axial", person)
        write_series(tmp_path / person / "FLAIR", head(1), AFFINE, "FLAIR", "axial", person)
        save(tmp_path / person / "mask.nii.gz", lesion())

    studies = find_studies(tmp_path, KEY).studies

    assert len({study.patient for study in studies}) == 2
    assert all(len(study.dicom) == 16 and len(study.masks) == 1 for study in studies)
    assert all(study.masks[0].parent in study.dicom[0].parents for study in studies)
    assert not any("oe" in study.name + study.patient for study in studies)


def test_a_folder_without_volumes_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="holds no volumes: choose a folder with DICOM, NIfTI"):
        find_studies(tmp_path, KEY)
