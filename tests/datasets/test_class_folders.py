"""Class folders as people have them: repeated, empty, wrapped, unlabelled, in unusual splits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brainseg.config import DataConfig
from brainseg.datasets.class_findings import plain_class
from brainseg.datasets.listing import natural_order
from brainseg.datasets.report import dataset_report
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.split_names import side_of
from brainseg.datasets.splits import split_dataset
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from tests.datasets.conftest import write_images


def write(root: Path, *folders: str, count: int = 2) -> Path:
    return write_images(root, [f"{folder}/{number}.png" for folder in folders for number in range(count)])


def messages(dataset: Dataset) -> dict[str, list[str]]:
    """The messages of the findings, by kind."""
    found: dict[str, list[str]] = {}
    for finding in dataset.findings:
        assert finding.message.endswith(".")
        found.setdefault(finding.kind, []).append(finding.message)
    return found


def labels(dataset: Dataset) -> dict[str, int]:
    return dataset.table["label"].value_counts().to_dict()


# ------------------------------------------------------------------------------------------------- a set inside itself


@pytest.mark.parametrize("inner", ["brain_tumor_dataset", "all", "archive/brain_tumor_dataset"])
def test_a_folder_that_holds_both_classes_once_more_is_left_out(tmp_path, inner):
    write(tmp_path, "yes", "no")
    for name in ("yes", "no"):
        shutil.copytree(tmp_path / name, tmp_path / inner / name)
    dataset = open_dataset(tmp_path)
    assert labels(dataset) == {"yes": 2, "no": 2}
    (sentence,) = messages(dataset)["set-in-itself"]
    assert "contains 'no' and 'yes' again" in sentence
    assert "not among theirs" not in sentence
    assert dataset.ignored == (inner.split("/")[0],)


def test_images_that_only_the_inner_set_has_are_counted(tmp_path):
    write(tmp_path, "yes", "no")
    write(tmp_path, "copy/yes", "copy/no", count=5)
    (sentence,) = messages(open_dataset(tmp_path))["set-in-itself"]
    assert "6 of its 10 images have another name or size" in sentence


def test_a_flat_folder_with_copies_of_all_images_is_left_out(tmp_path):
    write(tmp_path, "a", "b")
    (tmp_path / "everything").mkdir()
    for file in [*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()]:
        shutil.copy(file, tmp_path / "everything" / f"{file.parent.name}{file.name}")
    dataset = open_dataset(tmp_path)
    assert (dataset.classes, labels(dataset)) == (("a", "b"), {"a": 2, "b": 2})
    assert "All 4 images of class 'everything' are copies" in messages(dataset)["set-in-itself"][0]
    assert dataset.usable(False) is dataset


def test_one_image_with_two_labels_stops_a_training_until_that_is_confirmed(tmp_path):
    write(tmp_path, "yes", "no", count=3)
    shutil.copy(tmp_path / "yes" / "1.png", tmp_path / "no" / "wrong.png")
    dataset = open_dataset(tmp_path)
    with pytest.raises(DataError) as caught:
        dataset.usable(False)
    assert all(name in str(caught.value) for name in ("no/wrong.png (no)", "yes/1.png (yes)"))
    assert "data.allow_conflicting_labels=true" in str(caught.value)
    assert dataset.usable(False, conflicting=True) is dataset
    assert DataConfig().allow_conflicting_labels is False
    (tmp_path / "no" / "wrong.png").unlink()
    again = open_dataset(tmp_path)
    assert again.usable(False) is again


# ----------------------------------------------------------------------------------------- what is no class at all


def test_empty_folders_are_no_classes(tmp_path):
    write(tmp_path, "yes", "no")
    (tmp_path / "maybe" / "deep").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "notes.txt").write_text("x")
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("no", "yes")
    assert messages(dataset)["empty-class"] == ["The folder 'maybe' is empty and is not a class."]
    assert "'docs' contains no images, only files such as notes.txt" in messages(dataset)["no-class"][0]
    assert dataset.usable(False) is dataset


@pytest.mark.parametrize("name", ["pred", "Predictions", "unlabelled", "unlabeled_images", "to_predict", "test"])
def test_unlabelled_images_beside_classes_are_left_out(tmp_path, name):
    dataset = open_dataset(write(tmp_path, "yes", "no", name))
    assert dataset.classes == ("no", "yes")
    assert f"'{name}' contains 2 images without a class" in messages(dataset)["unlabelled"][0]
    assert dataset.ignored == (name,)


@pytest.mark.parametrize("name", ["pred", "seg_pred/pred", "unlabelled"])
def test_unlabelled_images_beside_splits_are_left_out(tmp_path, name):
    dataset = open_dataset(write(tmp_path, "train/yes", "train/no", "test/yes", "test/no", name))
    assert dataset.classes == ("no", "yes")
    assert "without a class" in messages(dataset)["unlabelled"][0]


@pytest.mark.parametrize("name", ["test", "test/images", "test/test"])
def test_a_test_folder_without_classes_is_left_out(tmp_path, name):
    dataset = open_dataset(write(tmp_path, "train/yes", "train/no", name))
    assert labels(dataset) == {"yes": 2, "no": 2}
    assert "2 images outside class folders" in messages(dataset)["unlabelled"][0]


# ---------------------------------------------------------------------------------------------- wrapping and splits


@pytest.mark.parametrize("around", ["set", "set/set", "archive/brain_tumor_dataset", "Brain MRI"])
@pytest.mark.parametrize("names", [("yes", "no"), ("train/yes", "train/no", "test/yes", "test/no")])
def test_folders_around_the_set_are_looked_through(tmp_path, around, names):
    dataset = open_dataset(write(tmp_path, *(f"{around}/{name}" for name in names)))
    assert dataset.classes == ("no", "yes")
    assert set(dataset.table["split"]) == ({"train", "test"} if len(names) > 2 else {""})
    assert f"are in {around}" in messages(dataset)["wrapped"][0]
    assert dataset.patients_from == "none"


def test_one_class_of_patients_is_not_taken_for_a_folder_around_classes(tmp_path):
    assert open_dataset(write(tmp_path, "glioma/P1", "glioma/P2")).classes == ("glioma",)


@pytest.mark.parametrize("around", ["{}/{}", "seg_{}/seg_{}"])
def test_a_split_folder_may_be_doubled(tmp_path, around):
    names = [f"{around.format(side, side)}/{label}" for side in ("train", "test") for label in ("yes", "no")]
    dataset = open_dataset(write(tmp_path, *names))
    assert dataset.table["split"].value_counts().to_dict() == {"train": 4, "test": 4}
    assert dataset.classes == ("no", "yes")


def test_a_copy_beside_split_folders_is_left_out(tmp_path):
    names = [f"{side}/{label}" for side in ("Training", "Testing") for label in ("yes", "no")]
    dataset = open_dataset(write(tmp_path, *names, *(f"all/{name}" for name in names)))
    assert len(dataset.table) == 8
    assert "'all' contains 'Testing' and 'Training' again" in messages(dataset)["set-in-itself"][0]


@pytest.mark.parametrize("names", [("T1", "T2"), ("axial", "T1 coronal"), ("left", "right")])
@pytest.mark.parametrize("around", ["", "train/"])
def test_sequences_around_the_class_folders_are_no_classes(tmp_path, names, around):
    dataset = open_dataset(write(tmp_path, *(f"{around}{name}/{label}" for name in names for label in ("yes", "no"))))
    assert labels(dataset) == {"yes": 4, "no": 4}
    assert "brainseg uses the folders inside them as classes" in messages(dataset)["classes-inside"][0]


def test_patients_around_the_class_folders_are_patients(tmp_path):
    dataset = open_dataset(write(tmp_path, "P01/yes", "P01/no", "P02/yes", "P03/no"))
    assert labels(dataset) == {"yes": 4, "no": 4}
    assert dataset.table["group"].tolist() == ["P01"] * 4 + ["P02"] * 2 + ["P03"] * 2
    assert "P01, P02, P03 are patients" in messages(dataset)["classes-inside"][0]


def test_sequences_may_be_the_classes(tmp_path):
    assert open_dataset(write(tmp_path, "T1/P1", "T1/P2", "T2/P1", "T2/P2")).classes == ("T1", "T2")
    assert open_dataset(write(tmp_path / "flat", "T1", "T2")).classes == ("T1", "T2")


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *(("Train_Set", "train"), ("train_data", "train"), ("training set", "train"), ("TrainSet", "train")),
        *(("trainset", "train"), ("seg_train", "train"), ("val_split", "valid"), ("dev", "valid"), ("Eval", "valid")),
        *(("holdout", "test"), ("hold-out", "test"), ("test images", "test"), ("TESTING", "test")),
        *(("train_test", ""), ("control", ""), ("pretest", ""), ("glioma_train", ""), ("", "")),
    ],
)
def test_which_side_a_folders_name_says(name, side):
    assert side_of(name) == side


def test_split_folders_under_other_names_give_the_split(tmp_path):
    dataset = open_dataset(write(tmp_path, "Train_Set/yes", "Train_Set/no", "dev/yes", "dev/no", "holdout/yes"))
    assert dataset.table["split"].value_counts().to_dict() == {"train": 4, "valid": 4, "test": 2}


def test_folds_are_joined_and_said(tmp_path):
    dataset = open_dataset(write(tmp_path, *(f"fold_{n}/{label}" for n in (1, 2, 3) for label in ("yes", "no"))))
    assert labels(dataset) == {"yes": 6, "no": 6}
    assert "fold_1, fold_2, fold_3 are folds of a cross-validation" in messages(dataset)["folds"][0]
    assert dataset.patients_from == "none"


# -------------------------------------------------------------------------------------------------- names and sizes


def test_class_names_stand_in_natural_order(tmp_path):
    dataset = open_dataset(write(tmp_path, *map(str, range(12)), count=4))
    assert dataset.classes == tuple(map(str, range(12)))
    assert list(dataset_report(dataset)["classes"]) == list(dataset.classes)
    for seed in range(10):
        sides = split_dataset(dataset, DataConfig(seed=seed))
        assert set(dataset.table["label"][sides == "valid"]) == set(dataset.classes)


def test_natural_order_is_that_of_text_where_there_are_no_numbers():
    names = ["b", "B", "é", "-", "=1+1", "None", "a10", "a9", "a09"]
    assert natural_order(names) == ("-", "=1+1", "B", "None", "a09", "a9", "a10", "b", "é")


def test_class_names_that_are_nearly_equal_are_said_with_their_counts(tmp_path):
    dataset = open_dataset(write(tmp_path, "glioma", "Glioma", "gliomas", "no tumor", "No_Tumour", "other"))
    first, second = messages(dataset)["similar-classes"]
    assert "'Glioma' (2), 'glioma' (2), 'gliomas' (2) are probably one" in first
    assert "'No_Tumour' (2), 'no tumor' (2)" in second
    assert plain_class("yes") != plain_class("no")


def test_a_class_of_one_image_is_said_at_inspection(tmp_path):
    write(tmp_path, "glioma", count=20)
    dataset = open_dataset(write(tmp_path, "notumor", count=1))
    assert messages(dataset)["small-class"][0].startswith("Class 'notumor' has only 1 image")


def test_a_class_of_one_patient_is_said_at_inspection(tmp_path):
    dataset = open_dataset(write(tmp_path, "a/P1", "b/P2", "b/P3"))
    assert "All 2 images of class 'a' are of patient 'P1'" in messages(dataset)["small-class"][0]


def test_why_a_link_is_not_followed_is_said(tmp_path):
    elsewhere = write(tmp_path / "elsewhere", "x")
    root = write(tmp_path / "set", "yes", "no")
    (root / "yes" / "more").symlink_to(elsewhere)
    (finding,) = [finding for finding in open_dataset(root).findings if finding.kind == "links"]
    assert finding.files == ("yes/more",)
    assert "are not followed, because" in finding.message


def test_a_folder_inside_its_own_class_that_holds_it_once_more_is_said(tmp_path):
    write(tmp_path, "no", "yes", count=3)
    shutil.copytree(tmp_path / "yes", tmp_path / "yes" / "deeper" / "yes")
    write(tmp_path, "yes/other")
    assert messages(open_dataset(tmp_path))["set-in-itself"] == [
        "The folder yes/deeper/yes contains copies of 3 images of yes: remove it."
    ]


def test_one_class_alone_is_said_at_inspection(tmp_path):
    assert "only one class, 'yes'" in messages(open_dataset(write(tmp_path, "yes")))["one-class"][0]


def test_a_given_split_that_parts_patients_is_said(tmp_path):
    write(tmp_path, "train/no/P1", "train/yes/P2", "test/no/P1", "test/yes/P3")
    (words,) = messages(open_dataset(tmp_path))["patients-across-splits"]
    assert words.startswith("The given split divides the images of 1 of 3 patients, such as P1 in test and train")
    assert "patients-across-splits" not in messages(open_dataset(tmp_path, groups="none"))


def test_folders_of_masks_like_the_classes_are_no_set_in_itself(tmp_path):
    write_images(
        write(tmp_path, "no", "yes"), [f"masks/{name}/{k}.png" for name in ("no", "yes") for k in (0, 1)], (5, 5)
    )
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("no", "yes")
    assert messages(dataset)["set-in-itself"] == [
        "The folder 'masks' contains 4 masks, judging by its name, in folders named like the classes, and is left out."
    ]
