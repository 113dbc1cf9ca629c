from __future__ import annotations

from dataclasses import replace

import pytest

from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import BadFile, Dataset, positive_class
from brainseg.errors import DataError
from tests.datasets.conftest import make_dataset, write_images

BAD = tuple(BadFile(f"yes/{number}.png", f"yes/{number}.png is empty (0 bytes).") for number in range(30))


def refusal(dataset: Dataset, skip_bad: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        dataset.usable(skip_bad)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_sound_dataset_is_usable_as_it_is():
    dataset = make_dataset(["no", "yes"])
    assert dataset.usable(False) is dataset
    assert dataset.usable(True) is dataset


def test_bad_files_stop_the_run_with_their_list_or_are_skipped():
    dataset = replace(make_dataset(["no", "yes"]), bad=BAD[:2])
    text = refusal(dataset)
    assert text.startswith("2 of 4 files cannot be used: fix or remove them, or pass --skip-bad")
    assert all(f"yes/{number}.png is empty (0 bytes)" in text for number in range(2))
    assert dataset.usable(skip_bad=True) is dataset


def test_a_long_list_of_bad_files_ends_in_a_count():
    text = refusal(replace(make_dataset(["no", "yes"]), bad=BAD))
    assert text.count("is empty") == 20
    assert text.endswith("; and 10 more).")


def test_class_without_readable_images_is_named(tmp_path):
    write_images(tmp_path, ["no/a.png", "yes/a.png"])
    (tmp_path / "yes" / "a.png").write_bytes(b"")
    (tmp_path / "maybe").mkdir()
    assert "yes/a.png is empty" in refusal(open_dataset(tmp_path))
    assert open_dataset(tmp_path).classes == ("no", "yes")  # an empty folder is not a class
    assert "class 'yes' has no readable image" in refusal(open_dataset(tmp_path), skip_bad=True)


def test_one_class_alone_is_refused(tmp_path):
    assert "only one class, 'yes'" in refusal(open_dataset(write_images(tmp_path, ["yes/a.png"])))


def test_fingerprint_changes_with_path_label_split_and_content(tmp_path):
    names = ["train/no/a.png", "train/yes/a.png", "test/no/a.png"]

    def fingerprint(folder: str, renamed: dict[str, str] | None = None) -> str:
        root = write_images(tmp_path / folder, names)
        for old, new in (renamed or {}).items():
            (root / new).parent.mkdir(parents=True, exist_ok=True)
            (root / old).rename(root / new)
        return open_dataset(root).fingerprint

    plain = fingerprint("plain")
    assert len(plain) == 64
    assert fingerprint("again") == plain  # the place of the folder does not matter
    changed = {
        fingerprint("path", {"test/no/a.png": "test/no/b.png"}),
        fingerprint("label", {"test/no/a.png": "test/yes/a.png"}),
        fingerprint("split", {"test/no/a.png": "train/no/b.png"}),
        fingerprint("content", {"train/yes/a.png": "test/no/a.png", "train/no/a.png": "train/yes/a.png"}),
    }
    assert len(changed | {plain}) == 5
    table, grouped = make_dataset(["no", "yes"]), make_dataset(["no", "yes"], groups=["", "p"])
    assert (
        table.grouped_fingerprint == table.fingerprint == grouped.fingerprint
    )  # guessed patients do not change the images
    assert table.grouped_fingerprint != grouped.grouped_fingerprint


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        *(
            ("no", "yes"),
            ("No", "Yes"),
            ("0", "1"),
            ("healthy", "glioma"),
            ("normal", "abnormal"),
            ("normal", "cancer"),
        ),
        *(("no_tumour", "tumour"), ("no tumor", "tumor"), ("no-tumor", "tumor"), ("notumor", "tumor")),
        *(("NoTumor", "Tumor"), ("nontumor", "tumor"), ("Non-Tumor", "Tumor"), ("NonCancer", "Cancer")),
        *(("noncancer", "cancer"), ("not_cancer", "cancer"), ("tumor_free", "tumor"), ("TumorFree", "Tumor")),
        *(("without", "with"), ("without_tumour", "tumour"), ("none", "lesion"), ("absent", "present")),
        *(("negative", "positive"), ("mri_negative", "mri_lesion"), ("control", "patient"), ("false", "true")),
        *(("Brain Normal", "Brain Glioma"), ("healthy control", "high grade"), ("NEG", "POS")),
    ],
)
def test_positive_class_is_told_by_the_names_whatever_the_alphabet_says(negative, positive):
    assert positive_class(tuple(sorted((negative, positive)))) == positive
    assert positive_class((positive, negative)) == positive


@pytest.mark.parametrize(
    "names", [("benign", "malignant"), ("hgg", "lgg"), ("nodule", "tumour"), ("normal", "normal_2")]
)
def test_names_that_do_not_tell_leave_the_last_class(names):
    assert positive_class(names) == names[1]


@pytest.mark.parametrize("names", [("glioma", "meningioma", "notumor", "pituitary"), ("only",)])
def test_more_or_fewer_than_two_classes_have_no_positive_one(names):
    assert positive_class(names) is None


def test_wish_decides_and_must_exist():
    assert positive_class(("no", "yes"), "no") == "no"
    assert positive_class(("a", "b", "c"), "b") == "b"
    with pytest.raises(DataError, match=r"data\.positive: 'maybe' is not a class, allowed: no, yes\."):
        positive_class(("no", "yes"), "maybe")
