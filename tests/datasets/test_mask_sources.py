from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainseg.config import DataConfig
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import parse_spacing
from brainseg.datasets.patient_messages import UNKNOWN
from brainseg.datasets.report import dataset_report, mask_sentence
from brainseg.datasets.splits import split_dataset
from brainseg.errors import DataError, ScanError
from brainseg.phantom import write_phantom
from tests.datasets.masked import picture, save, spot, write_lgg, write_manifest, write_modalities, write_pairs


def reasons(dataset) -> list[str]:
    return [bad.reason for bad in dataset.bad]


# ------------------------------------------------------------------------------------------------------------- layouts


def test_masks_beside_their_images_in_patient_folders(tmp_path):
    write_lgg(tmp_path)
    (tmp_path / "data.csv").write_text("Patient\n")
    dataset = open_masked_dataset(tmp_path)
    assert len(dataset.table) == 6
    assert set(dataset.table["group"]) == {"TCGA_AA_0001_19990101", "TCGA_BB_0002_20000202"}
    assert dataset.table["mask_pixels"].tolist() == [0, 20, 0] * 2
    assert dataset.table["label"].tolist() == ["no tumour", "tumour", "no tumour"] * 2
    assert (dataset.classes, dataset.mask_classes) == (("no tumour", "tumour"), ("background", "tumour"))
    assert (dataset.bad, dataset.ignored, dataset.notes) == ((), ("data.csv",), ())
    assert dataset.channels == ("T1", "FLAIR", "T1ce")
    np.testing.assert_array_equal(dataset.read_mask(1), spot(value=1))
    np.testing.assert_array_equal(dataset.read(1), picture("TCGA_AA_0001_19990101_2", channels=3))


def test_folder_around_the_patient_folders_is_found_through(tmp_path):
    write_lgg(tmp_path / "lgg" / "kaggle_3m")
    groups = set(open_masked_dataset(tmp_path).table["group"])
    assert groups == {"TCGA_AA_0001_19990101", "TCGA_BB_0002_20000202"}


def test_images_and_masks_in_folders_of_their_own(tmp_path):
    write_pairs(tmp_path, ["p1_01", "p1_02", "p2_01", "p2_02"], ".bmp")
    (tmp_path / "masks" / "p2_02.png").rename(tmp_path / "masks" / "p2_02_mask.png")
    dataset = open_masked_dataset(tmp_path)
    assert dataset.table["mask"].tolist() == [f"masks/p{name}.png" for name in ("1_01", "1_02", "2_01", "2_02_mask")]
    assert dataset.table["group"].tolist() == ["p1", "p1", "p2", "p2"]
    assert dataset.notes == ()


def test_folders_in_images_are_patients(tmp_path):
    write_pairs(tmp_path, ["anna/1", "anna/2", "ben/1"])
    assert open_masked_dataset(tmp_path).table["group"].tolist() == ["anna", "anna", "ben"]


def test_split_folders_with_images_and_masks_give_the_split(tmp_path):
    write_pairs(tmp_path / "train", ["a", "b"])
    write_pairs(tmp_path / "test", ["c", "d"])
    assert open_masked_dataset(tmp_path).table["split"].tolist() == ["test", "test", "train", "train"]


@pytest.mark.parametrize("names", [["brain_1", "brain_2"], ["x1_1", "x1_2"], ["one", "two"]])
def test_names_that_tell_no_patients_are_said_to(tmp_path, names):
    dataset = open_masked_dataset(write_pairs(tmp_path, names))
    assert set(dataset.table["group"]) == {""}
    assert (dataset.patients_from, dataset_report(dataset)["patients"]) == ("none", {"source": "none", "count": 0})
    assert UNKNOWN in mask_sentence(dataset_report(dataset))


def test_manifest_names_mask_patient_split_and_spacing(tmp_path):
    save(tmp_path / "a.png", picture("a"))
    save(tmp_path / "b.png", picture("b"))
    save(tmp_path / "am.png", spot())
    save(tmp_path / "bm.png", spot() * 0)
    rows = [
        {"path": "a.png", "Mask": "am.png", "patient": "x", "split": "Training", "spacing_mm": "0.5"},
        {"path": "b.png", "Mask": "bm.png", "patient": "y", "split": "test", "spacing_mm": ""},
    ]
    for dataset in (
        open_masked_dataset(write_manifest(tmp_path, rows)),
        open_masked_dataset(tmp_path / "manifest.csv"),
    ):
        assert dataset.table[["group", "split", "spacing"]].values.tolist() == [
            ["x", "train", "0.5 0.5"],
            ["y", "test", ""],
        ]
        assert [parse_spacing(text) for text in dataset.table["spacing"]] == [(0.5, 0.5), None]


@pytest.mark.slow
def test_phantom_folder_is_read_as_it_is_written(tmp_path):
    write_phantom(tmp_path / "p", 8, size=64, slices_per_subject=2)
    dataset = open_masked_dataset(tmp_path / "p").usable(False)
    assert not [finding for finding in dataset.findings if finding.kind.startswith("mask")]
    written = pd.read_csv(tmp_path / "p" / "manifest.csv").sort_values("path", ignore_index=True)
    assert dataset.table["path"].tolist() == written["path"].tolist()
    assert dataset.table["group"].tolist() == written["subject"].tolist()
    spacing = np.array([parse_spacing(text) for text in dataset.table["spacing"]])
    np.testing.assert_allclose(spacing, written[["spacing_mm"]].to_numpy().repeat(2, axis=1))
    areas = dataset.table["mask_pixels"] * spacing[:, 0] ** 2
    np.testing.assert_allclose(areas, written["tumour_area_mm2"], atol=0.01)
    assert (dataset.table["label"] == "tumour").sum() == 4


def test_real_patient_folders_load_by_their_folder_alone(shared):
    folder = shared / "data" / "lgg3m"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    dataset = open_masked_dataset(folder).usable(False)
    assert (len(dataset.table), dataset.table["group"].nunique(), dataset.bad) == (145, 5, ())
    assert not [finding for finding in dataset.findings if finding.kind.startswith("mask")]
    assert (dataset.table["label"] == "tumour").sum() == 54


def test_real_pairs_have_the_pixels_that_their_manifest_counts(shared):
    folder = shared / "data" / "lgg_pairs"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    dataset = open_masked_dataset(folder).usable(False)
    counted = pd.read_csv(folder / "manifest.csv").set_index("path")["tumour_pixels"]
    assert dataset.table.set_index("path")["mask_pixels"].to_dict() == counted.to_dict()
    assert (len(dataset.table), (dataset.table["label"] == "tumour").sum()) == (1162, 734)
    missing = {note.split(" ", 1)[0]: note.split(" has no ")[1].split(":")[0] for note in dataset.notes}
    assert missing == {
        "TCGA_DU_6407_19860514": "T1ce",
        "TCGA_DU_7301_19911112": "T1ce",
        "TCGA_DU_8165_19970205": "T1ce",
        "TCGA_FG_7634_20000128": "T1ce",
        "TCGA_HT_8105_19980826": "T1 and T1ce",
    }


# --------------------------------------------------------------------------------------------------------------- faults


def test_every_fault_of_a_file_is_one_sentence_that_names_it(tmp_path):
    write_pairs(tmp_path, ["ok_a", "ok_b", "alone", "large", "odd", "colour", "broken", "lost"])
    (tmp_path / "masks" / "alone.png").unlink()
    (tmp_path / "images" / "lost.png").unlink()
    save(tmp_path / "masks" / "large.png", spot(32))
    save(tmp_path / "masks" / "odd.png", spot(value=7))
    save(tmp_path / "masks" / "colour.png", picture("colour", channels=3))
    (tmp_path / "masks" / "broken.png").write_bytes((tmp_path / "masks" / "ok_a.png").read_bytes()[:60])
    save(tmp_path / "images" / "ok_a.bmp", picture("again"))
    dataset = open_masked_dataset(tmp_path)
    assert dataset.table["path"].tolist() == ["images/ok_a.bmp", "images/ok_b.png"]
    expected = [
        "images/alone.png has no mask: add it, or remove the image.",
        "images/ok_a.png and ok_a.bmp differ only in the extension: keep one.",
        "masks/broken.png is damaged or incomplete (PNG): copy or export it again.",
        "masks/colour.png is a colour image, not a mask: ",
        "masks/large.png is 32 x 32 pixels, its image 24 x 24: export the mask again in the size of its image.",
        "masks/lost.png is a mask without an image: add it.",
        "masks/odd.png contains the unknown value 7 (known: 0, 255): ",
    ]
    assert len(dataset.bad) == len(expected)
    for bad, beginning in zip(dataset.bad, expected, strict=True):
        assert bad.reason.startswith(beginning)
        assert bad.reason.count(". ") == 0
    with pytest.raises(DataError, match=r"^7 of 9 files cannot be used: .*masks/odd\.png contains the unknown value 7"):
        dataset.usable(False)
    assert dataset.usable(True) is dataset


def test_jpeg_masks_are_said_to_be_blurred(tmp_path):
    write_pairs(tmp_path, ["a", "b"])
    (tmp_path / "masks" / "a.png").unlink()
    random = np.random.default_rng(0)
    save(tmp_path / "masks" / "a.jpg", (random.random((24, 24)) > 0.5).astype(np.uint8) * 255)
    (bad,) = open_masked_dataset(tmp_path).bad
    assert "because JPEG blurs edges: use --set data.mask_threshold=128 to make the upper half" in bad.reason
    assert bad.reason.endswith("or save masks as PNG or TIFF, with class numbers or with 0 and 255.")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [{"path": "a.png", "label": "x"}],
            "manifest.csv has no column 'mask': a manifest needs path and mask; it has path, label.",
        ),
        ([{"path": "", "mask": "m.png"}], "manifest.csv, line 2: path is empty: fill it in."),
        ([{"path": "a.png", "mask": "../m.png"}], "manifest.csv, line 2: '../m.png' leaves the manifest's folder"),
        ([{"path": "a.png", "mask": "m.png"}] * 2, "manifest.csv names 'a.png' more than once"),
        ([{"path": "a.png", "mask": "m.png", "spacing_mm": "-1"}], "manifest.csv, line 2: spacing_mm '-1' is not one"),
        ([{"path": "a.png", "mask": "m.png", "spacing_mm": "nan"}], "manifest.csv, line 2: spacing_mm 'nan' is not"),
        ([{"path": "a.png", "mask": "m.png", "channels": "T1 T2"}], "manifest.csv, line 2: channels 'T1 T2' are not"),
        ([{"path": "a.png", "mask": "m.png", "split": "maybe"}], "manifest.csv, line 2: split 'maybe' is unknown"),
    ],
)
def test_manifest_faults_name_the_line(tmp_path, rows, sentence):
    with pytest.raises(DataError) as caught:
        open_masked_dataset(write_manifest(tmp_path, rows))
    assert str(caught.value).startswith(sentence)


def test_row_without_a_mask_is_a_bad_file(tmp_path):
    save(tmp_path / "a.png", picture("a"))
    save(tmp_path / "m.png", spot())
    rows = [{"path": "a.png", "mask": "m.png"}, {"path": "b.png", "mask": ""}]
    dataset = open_masked_dataset(write_manifest(tmp_path, rows))
    assert reasons(dataset) == ["b.png has no mask: fill it in (manifest.csv, line 3)."]


@pytest.mark.parametrize("make", ["nothing", "empty", "images"])
def test_place_without_masks_says_what_is_looked_for(tmp_path, make):
    folder = tmp_path / "set"
    if make != "nothing":
        folder.mkdir()
    if make == "images":
        save(folder / "yes" / "a.png", picture("a"))
    with pytest.raises(DataError, match=r"manifest\.csv with the columns path and mask, the folders images and masks"):
        open_masked_dataset(folder)


def test_set_in_which_nothing_is_marked_cannot_be_learnt_from(tmp_path):
    write_pairs(tmp_path, ["a", "b"])
    save(tmp_path / "masks" / "a.png", spot() * 0)
    with pytest.raises(DataError, match="no mask has a tumour pixel"):
        open_masked_dataset(tmp_path).usable(False)


def test_file_that_changes_later_is_refused(tmp_path):
    dataset = open_masked_dataset(write_pairs(tmp_path, ["a", "b"]))
    save(tmp_path / "masks" / "a.png", spot() * 0)
    save(tmp_path / "images" / "b.png", picture("other"))
    with pytest.raises(DataError, match=r"^a\.png changed while it was being read: start again\.$"):
        dataset.read_mask(0)
    with pytest.raises(DataError, match=r"^b\.png changed"):
        dataset.read(1)
    (tmp_path / "masks" / "b.png").unlink()
    with pytest.raises(ScanError, match=r"^b\.png does not exist"):
        dataset.read_mask(1)


# ---------------------------------------------------------------------------------------------------- the rest of a set


def test_no_patient_is_on_both_sides(tmp_path):
    write_pairs(tmp_path, [f"p{patient}/{number}" for patient in range(8) for number in range(4)])
    dataset = open_masked_dataset(tmp_path)
    sides = split_dataset(dataset, DataConfig(valid_fraction=0.25))
    assert set(sides) == {"train", "valid"}
    assert sides.groupby(dataset.table["group"]).nunique().max() == 1


def test_set_with_a_tumour_on_every_slice_can_be_split(tmp_path):
    write_pairs(tmp_path, ["a/1", "b/1", "c/1", "d/1"])
    for name in ("b", "d"):
        save(tmp_path / "masks" / name / "1.png", spot())
    dataset = open_masked_dataset(tmp_path).usable(False)
    assert dataset.classes == ("tumour",)
    assert set(split_dataset(dataset, DataConfig(valid_fraction=0.25))) == {"train", "valid"}


def test_fingerprint_depends_on_masks_and_modalities(tmp_path):
    write_lgg(tmp_path)
    prints = {open_masked_dataset(tmp_path, chosen).fingerprint for chosen in (None, ("FLAIR",), ("T1ce",))}
    name = "TCGA_AA_0001_19990101"
    save(tmp_path / name / f"{name}_1_mask.tif", spot())
    prints.add(open_masked_dataset(tmp_path).fingerprint)
    assert len(prints) == 4


def test_report_counts_masks_and_passes_notes_on(tmp_path):
    write_lgg(tmp_path, without={"TCGA_BB_0002_20000202": (2,)})
    report = dataset_report(open_masked_dataset(tmp_path))
    assert report["classes"] == {"no tumour": 4, "tumour": 2}
    assert report["masks"] == {
        "classes": ["background", "tumour"],
        "with_tumour": 2,
        "tumour_pixels": [20, 20],
        "tumour_share": 40 / (6 * 24 * 24),
        "with_spacing": 0,
        "channels": ["T1", "FLAIR", "T1ce"],
        "threshold": None,
    }
    assert report["notes"] == ["TCGA_BB_0002_20000202 has no T1ce: the files repeat FLAIR in its place."]


# ----------------------------------------------------------------------------------------------------------- modalities


def test_channels_are_chosen_and_ordered_by_name(tmp_path):
    write_lgg(tmp_path)
    stored = picture("TCGA_AA_0001_19990101_1", channels=3)
    for chosen, picked in {
        ("T1ce", "T1", "FLAIR"): (2, 0, 1),
        ("FLAIR", "T1ce"): (1, 2, 1),
        ("flair",): (1, 1, 1),
    }.items():
        dataset = open_masked_dataset(tmp_path, chosen)
        np.testing.assert_array_equal(dataset.read(0), stored[..., list(picked)])
        assert dataset.channels == tuple(("T1", "FLAIR", "T1ce")[channel] for channel in picked)


def test_missing_sequence_is_said_and_not_invented(tmp_path):
    write_lgg(tmp_path, without={"TCGA_BB_0002_20000202": (0, 2)})
    stored = open_masked_dataset(tmp_path)
    assert stored.notes == ("TCGA_BB_0002_20000202 has no T1 and T1ce: the files repeat FLAIR in its place.",)
    assert (
        stored.table["warnings"].tolist()[3:]
        == ["The sequence T1 and T1ce is missing; the file repeats FLAIR in its place."] * 3
    )
    chosen = open_masked_dataset(tmp_path, ("FLAIR", "T1ce"))
    assert chosen.table["group"].tolist() == ["TCGA_AA_0001_19990101"] * 3
    assert reasons(chosen)[0].startswith("TCGA_BB_0002_20000202_1.tif has no T1ce: ")
    assert len(open_masked_dataset(tmp_path, ("FLAIR",)).table) == 6


def test_files_of_one_slice_are_stacked(tmp_path):
    dataset = open_masked_dataset(write_modalities(tmp_path), ("FLAIR", "T1", "T1ce"))
    assert dataset.table["path"].tolist() == [f"{p}_{n}_Flair.png" for p in "ab" for n in (0, 1)]
    np.testing.assert_array_equal(
        dataset.read(1), np.dstack([picture(f"a_1_{name}.png") for name in ("Flair", "T1", "t1c")])
    )
    np.testing.assert_array_equal(dataset.read_mask(1), spot(value=1))
    assert dataset.table["spacing"].tolist() == ["0.9 0.8"] * 4
    assert dataset.table["sha256"].nunique() == 4


def test_slice_that_lacks_a_modality_is_named(tmp_path):
    write_modalities(tmp_path, lacking=("b", 1, "t1c"))
    dataset = open_masked_dataset(tmp_path, ("T1", "T1ce"))
    assert len(dataset.table) == 3
    assert reasons(dataset) == ["b, slice 1, has no T1ce: correct it, choose other sequences, or leave the slice out."]


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (("T1", "PET"), "data.modalities: 'PET' is unknown, allowed: T1, T1ce, T2, FLAIR."),
        (("T1", "t1"), "data.modalities: give one to three different sequences"),
        ((), "data.modalities: give one to three different sequences"),
        (("T1", "T2", "T1ce", "FLAIR"), "data.modalities: give one to three different sequences"),
        (("T2", "T1"), "No slice has T2 and T1 together; the dataset has FLAIR, T1, T1ce: choose other sequences."),
    ],
)
def test_choice_that_cannot_be_had_is_refused(tmp_path, chosen, sentence):
    with pytest.raises(DataError) as caught:
        open_masked_dataset(write_modalities(tmp_path), chosen)
    assert str(caught.value).startswith(sentence)


def test_modalities_of_a_set_that_names_none_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"^It is not known which sequence a\.png is: add a column modality"):
        open_masked_dataset(write_pairs(tmp_path, ["a", "b"]), ("T1",))


def test_progress_is_told_for_every_image(tmp_path):
    calls: list[tuple[int, int]] = []
    open_masked_dataset(Path(write_pairs(tmp_path, ["a", "b", "c"])), None, lambda *step: calls.append(step))
    assert calls == [(1, 3), (2, 3), (3, 3)]
