from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.config import RunConfig
from brainseg.datasets.findings import UNDECIDED
from brainseg.datasets.patient_guess import PatientFacts
from brainseg.datasets.patient_messages import UNKNOWN, patients_sentence
from brainseg.datasets.patient_names import folder_part, loose, patient_before_slice, patient_part
from brainseg.datasets.patients import Patients, find_patients
from brainseg.datasets.report import dataset_report, patients_known
from brainseg.datasets.sources import open_dataset
from brainseg.errors import ConfigError, DataError
from tests.datasets.conftest import write_images

CLASSES = ("glioma", "no tumor")


def images(*paths: str, cells: list[dict[str, str]] | None = None) -> list[PatientFacts]:
    """Images below class folders: label/folders/name.png."""
    parts = [path.split("/") for path in paths]
    rows = cells or [{}] * len(paths)
    return [
        PatientFacts(tuple(names[1:-1]), Path(names[-1]).stem, names[0], row, path)
        for path, names, row in zip(paths, parts, rows, strict=True)
    ]


def grouped(*paths: str, rule: str = "auto") -> Patients:
    found = images(*paths)
    return find_patients(found, rule, sorted({image.label for image in found}))


# --------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    [
        *("T1", "t1ce", "T1c", "T2", "FLAIR", "pd", "DWI", "adc", "T1 post contrast", "T2w", "T1_axial"),
        *("axial", "Sagittal", "coronal", "left", "Right", "train", "val", "fold1", "fold_2", "Train_Set", "test-set"),
        *("images", "slices", "png", "JPG", "data", "batch3", "HGG", "grade2", "224x224", "site1", "session 2"),
        *("siteA", "site_B", "Hospital C", "centerx"),
        *("glioma", "Glioma", "no_tumor", "augmented", "cropped"),
    ],
)
def test_what_is_no_patient_leaves_nothing(name):
    assert patient_part(name, CLASSES) == ""


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        *((name, name) for name in ("P03", "Patient 1", "sub-01", "anna", "1", "007", "TCGA_CS_4941_19960909")),
        *(("P03_T1", "P03"), ("axial P03", "P03"), ("glioma_P03", "P03"), ("BraTS20_Training_001", "BraTS20_001")),
    ],
)
def test_what_is_left_of_a_patients_folder(name, patient):
    assert patient_part(name, CLASSES) == patient


@pytest.mark.parametrize("name", ["T1_1", "t2-3", "axial 12", "FLAIR_02", "left_2", "T1 post contrast 2", "Train_1"])
def test_a_numbered_sequence_plane_side_or_split_is_no_patients_folder(name):
    assert folder_part(name, CLASSES) == ""


@pytest.mark.parametrize(
    ("name", "patient"), [("7", "7"), ("T1_P7", "P7"), ("glioma_12", "12"), ("volume_3", "volume_3")]
)
def test_what_a_folder_says_of_a_patient_stays(name, patient):
    assert folder_part(name, CLASSES) == patient


@pytest.mark.parametrize(
    ("stem", "patient"),
    [
        ("P03_slice_012", "P03"),
        ("P03-12", "P03"),
        ("P03 (1)", "P03"),
        ("P03_T1", "P03"),
        ("T1_P03_12", "P03"),
        ("TCGA_CS_4941_19960909_1", "TCGA_CS_4941_19960909"),
        ("BraTS20_Training_001_slice_50_flair", "BraTS20_001"),
        ("sub-01_ses-02_T1w_slice-5", "sub-01"),
        ("volume_1_slice_34", "volume_1"),
        ("12_3", "12"),
        *((stem, "") for stem in ("glioma_001", "Te-gl_0010", "Tr-glTr_0003", "Y12", "image(34)", "gg (12)", "00001")),
        *((stem, "") for stem in ("image_2_001", "no 923", "T1_001", "grade2_001", "IMG_20200105_123456", "case_7")),
    ],
)
def test_only_a_name_with_a_number_before_the_slices_names_a_patient(stem, patient):
    assert patient_before_slice(stem, CLASSES) == patient


def test_ids_are_compared_without_case_blanks_and_leading_zeros():
    assert {loose(name) for name in ("P 1", "p1", "P01", " p001")} == {"p1"}
    assert loose("P100") != loose("P10")
    assert loose("P1005") == "p1005"
    assert (loose("0"), loose("00"), loose("P0_01")) == ("0", "0", "p0_1")


# ------------------------------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize(
    "paths",
    [
        ["glioma/{}/1.png", "no/{}/1.png"],
        ["glioma/T1/{}/1.png", "no/T2/{}/1.png"],
        ["glioma/{}/T1/1.png", "no/{}/FLAIR/1.png"],
        ["glioma/{}/axial/1.png", "no/{}/sagittal/left/1.png"],
        ["glioma/images/{}/png/1.png", "no/images/{}/png/1.png"],
        ["glioma/kaggle_3m/{}/1.png", "no/kaggle_3m/{}/1.png"],
        ["glioma/Munich/{}/1.png", "no/Munich/{}/1.png"],
        ["glioma/HGG/{}_T1/1.png", "no/LGG/{}_T2/1.png"],
    ],
)
def test_patients_folder_is_found_at_any_depth(paths):
    first = [paths[0].format(name) for name in ("P03", "P04") for _ in range(2)]
    found = grouped(*first, *(paths[1].format(name) for name in ("P05", "P06")))
    assert (found.groups, found.source) == (["P03", "P03", "P04", "P04", "P05", "P06"], "folder")
    assert found.findings == ()


@pytest.mark.parametrize(
    "folders",
    [
        [("T1", "T2"), ("T1", "FLAIR")],
        [("axial", "coronal"), ("axial", "sagittal")],
        [("left", "right"), ("left", "right")],
        [("train", "val"), ("train", "test")],
        [("fold1", "fold2"), ("fold1", "fold2")],
        [("images", "images"), ("images", "images")],
        [("all slices", "all slices"), ("slices", "slices")],
        [("download", "download"), ("download", "download")],
        [("gliomas from Munich", "gliomas from Munich"), ("healthy ones", "healthy ones")],
        [("Munich", "Berlin"), ("Munich", "Berlin")],
        [("grade2", "grade3"), ("baseline", "baseline")],
    ],
)
def test_folders_that_are_no_patients(folders):
    paths = [
        f"{label}/{name}/{n}.png" for label, names in zip(CLASSES, folders, strict=True) for n, name in enumerate(names)
    ]
    assert grouped(*paths) == Patients([""] * 4)


def test_images_beside_patient_folders_belong_to_nobody():
    assert grouped("a/P1/1.png", "a/2.png", "b/P2/1.png").groups == ["P1", "", "P2"]


def test_the_same_folder_under_two_classes_is_one_patient_until_told_otherwise():
    paths = ["a/P1/1.png", "a/p2/1.png", "b/p01/1.png", "b/P 2/1.png"]
    found = grouped(*paths)
    assert found.groups == ["P1", "p2", "P1", "p2"]
    (finding,) = found.findings
    assert "2 names of patient folders occur in more than one class" in finding.message
    assert "data.groups=per-class" in finding.message
    apart = grouped(*paths, rule="per-class")
    assert (apart.groups, apart.findings) == (["a/P1", "a/p2", "b/p01", "b/P 2"], ())


def test_folders_of_the_same_name_in_two_classes_are_counted_apart_and_kept_together(tmp_path):
    names = [f"{label}/P{n}/{k}.png" for label in ("glioma", "notumor") for n in range(5) for k in range(2)]
    dataset = open_dataset(write_images(tmp_path, names))
    assert patients_known(dataset) == {"source": "folder", "count": 10}
    assert dataset.table["group"].nunique() == 5
    assert [finding.kind for finding in dataset.findings if "5 names of patient folders" in finding.message] == [
        "patients-in-classes"
    ]
    assert patients_known(open_dataset(tmp_path, groups="per-class")) == {"source": "folder", "count": 10}


def test_a_patient_folder_around_class_folders_is_one_patient(tmp_path):
    names = [f"{patient}/{label}/{k}.png" for patient in ("P1", "P2", "P3") for label in ("no", "yes") for k in "ab"]
    dataset = open_dataset(write_images(tmp_path, names))
    assert patients_known(dataset) == {"source": "folder", "count": 3}
    assert "patients-in-classes" not in [finding.kind for finding in dataset.findings]


@pytest.mark.parametrize("pair", [("1", "01"), ("P1", "P01"), ("P1", "p1"), ("P 1", "P1")])
def test_two_spellings_side_by_side_are_asked_about_and_not_merged(pair):
    paths = [f"a/{pair[0]}/1.png", f"a/{pair[1]}/2.png", "b/7/1.png", "b/8/1.png"]
    found = grouped(*paths)
    assert len(set(found.groups)) == 4
    (question,) = found.findings
    assert question.kind == UNDECIDED
    assert all(repr(name) in question.message for name in pair)
    assert "data.groups=exact" in question.message
    assert "data.groups=loose" in question.message
    assert grouped(*paths, rule="exact") == Patients(found.groups, "folder")
    assert grouped(*paths, rule="loose") == Patients([pair[0], pair[0], "7", "8"], "folder")


def test_leading_zeros_of_numbers_in_a_column_are_asked_about_in_two_classes_too():
    pair = ("1", "01")
    cells = [(pair[0], "no"), (pair[0], "no"), ("7", "no"), (pair[1], "yes"), (pair[1], "yes"), ("8", "yes")]
    images = [
        PatientFacts((), str(row), label, {"patient": key}, f"{row}.png") for row, (key, label) in enumerate(cells)
    ]
    found = find_patients(images)
    assert len(set(found.groups)) == 4
    assert [finding.kind for finding in found.findings] == [UNDECIDED]
    assert find_patients(images, "loose").groups == [pair[0], pair[0], "7", pair[0], pair[0], "8"]
    assert find_patients(images, "per-class").findings == ()


def test_an_open_question_stops_a_training(tmp_path):
    write_images(tmp_path, ["a/1/x.png", "a/01/x.png", "b/2/x.png"])
    with pytest.raises(DataError, match=r"data\.groups=exact"):
        open_dataset(tmp_path).usable(False)
    assert open_dataset(tmp_path, groups="exact").usable(False).table["group"].nunique() == 3
    assert open_dataset(tmp_path, groups="loose").usable(False).table["group"].nunique() == 2


# ---------------------------------------------------------------------------------------------------------- file names


def test_file_names_set_base_address_there_are_several_slices_of_several_patients():
    names = [
        f"{label}/P{patient:02d}_slice_{n}.png"
        for label, some in (("a", (1, 2)), ("b", (2, 3)))
        for patient in some
        for n in range(3)
    ]
    found = grouped(*names)
    assert found.source == "file name"
    assert found.groups == [f"P{patient:02d}" for patient in (1, 2, 2, 3) for _ in range(3)]


@pytest.mark.parametrize(
    "names",
    [
        ["glioma/glioma_{:03d}", "no/no_{:03d}"],
        ["glioma/Te-gl_{:04d}", "no/Te-no_{:04d}"],
        ["glioma/Y{}", "no/{} no"],
        ["glioma/1_{:03d}", "no/2_{:03d}"],  # the number is the class
        ["glioma/P{}_1", "no/Q{}_1"],  # one image each: nothing to keep together
        ["glioma/{}", "no/{}"],
    ],
)
def test_file_names_that_tell_nobody(names):
    assert grouped(*(f"{name.format(n)}.png" for name in names for n in range(6))).source == "none"


# ------------------------------------------------------------------------------------------------------- columns, rules


def manifest(tmp_path: Path, header: str, *lines: str) -> Path:
    names = [line.split(",", 1)[0] for line in lines]
    write_images(tmp_path, names)
    (tmp_path / "manifest.csv").write_text("\n".join([f"path,label,{header}", *lines]))
    return tmp_path


@pytest.mark.parametrize(
    "column", ["patient", "patient_id", "subject", "subject_id", "case", "case_id", "group", "Patient ID", "PatientID"]
)
def test_every_name_of_a_patients_column_is_known(tmp_path, column):
    dataset = open_dataset(manifest(tmp_path, column, "1.png,a,x", "2.png,a,X ", "3.png,b,y"))
    assert (dataset.table["group"].tolist(), dataset.patients_from) == (["x", "x", "y"], "column")
    assert patients_known(dataset) == {"source": "column", "count": 2}
    assert not [finding for finding in dataset.findings if finding.kind.startswith("patient")]


def test_of_two_columns_the_one_that_tells_patients_is_taken_and_said(tmp_path):
    rows = ["1.png,a,study,p1", "2.png,a,study,p1", "3.png,b,control,p2", "4.png,b,control,p3"]
    dataset = open_dataset(manifest(tmp_path, "group,patient_id", *rows))
    assert dataset.table["group"].tolist() == ["p1", "p1", "p2", "p3"]
    (finding,) = [finding for finding in dataset.findings if finding.kind == "patient-columns"]
    assert finding.message.startswith("Several columns name patients: brainseg uses 'patient_id', not 'group'")
    assert "data.groups=column:group" in finding.message
    other = open_dataset(tmp_path, groups="column:Group")
    assert other.table["group"].tolist() == ["study", "study", "control", "control"]


def test_a_column_may_spell_a_patient_in_two_classes_in_two_ways(tmp_path):
    rows = ["1.png,a,P1", "2.png,b,p 01", "3.png,b,P2", "4.png,a,"]
    assert open_dataset(manifest(tmp_path, "case", *rows)).table["group"].tolist() == ["P1", "P1", "P2", ""]


def test_without_a_column_the_folders_of_a_manifest_tell(tmp_path):
    rows = [f"Training/glioma/P{n}/x.png,glioma," for n in range(2)] + ["Training/no/P7/x.png,no,"]
    dataset = open_dataset(manifest(tmp_path, "note", *rows))
    assert (dataset.table["group"].tolist(), dataset.patients_from) == (["P0", "P1", "P7"], "folder")


def test_rules_set_the_patients():
    paths = ["a/x/P1/s1_u.png", "a/x/P2/s1_v.png", "b/y/P3/s2_u.png"]
    assert grouped(*paths, rule="none") == Patients([""] * 3)
    assert grouped(*paths, rule="folder").groups == ["x", "x", "y"]
    assert grouped(*paths, rule="folder:2").groups == ["P1", "P2", "P3"]
    assert grouped(*paths, rule="folder:-2").groups == ["x", "x", "y"]
    named = grouped(*paths, rule="name:_([a-z])$")
    assert (named.groups, named.source) == (["u", "v", "u"], "file name")
    assert grouped(*paths, rule="per-class:name:_([a-z])$").groups == ["a/u", "a/v", "b/u"]


@pytest.mark.parametrize("rule", ["", "folders", "folder:0", "folder:x", "column:", "name:(", "name:abc", "exact:nope"])
def test_what_is_no_rule_is_refused_with_the_rules(rule):
    with pytest.raises(ConfigError, match=r"allowed: auto, none, column:NAME"):
        find_patients(images("a/1.png"), rule)
    with pytest.raises(ConfigError, match=r"data\.groups: .*allowed: auto, none, column:NAME"):
        RunConfig.from_preset("quick", {"data.groups": rule})


@pytest.mark.parametrize("rule", ["folder:3", "name:q([0-9])", "column:case"])
def test_a_rule_that_fits_nothing_is_said(rule):
    with pytest.raises(DataError, match=r"data\.groups: "):
        grouped("a/P1/1.png", "b/P2/1.png", rule=rule)


# --------------------------------------------------------------------------------------------------------------- words


def test_report_says_where_patients_are_known_from(tmp_path):
    write_images(
        tmp_path,
        [f"{label}/P{n}/{k}.png" for label, some in (("a", (1, 2)), ("b", (3, 4))) for n in some for k in range(2)],
    )
    report = dataset_report(open_dataset(tmp_path))
    assert report["patients"] == {"source": "folder", "count": 4}
    assert patients_sentence(report["patients"]) == "4 patients, from folder names"
    refused = dataset_report(open_dataset(tmp_path, groups="none"))
    assert patients_sentence(refused["patients"]) == UNKNOWN
    assert UNKNOWN == "patients unknown: slices of one patient may be on both sides"
