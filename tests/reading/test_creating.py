"""What a new study keeps, what it refuses, and what its notes say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.library import KnownDataset, add_folder, add_phantom
from brainseg.errors import DataError, ReadingError
from brainseg.reading.creating import StudyRequest, create_study
from brainseg.reading.ending import study_state
from brainseg.reading.library import (
    UnreadableStudy,
    all_studies,
    find_study,
    mask_file,
    read_mask,
    read_study,
    study_folder,
)
from brainseg.reading.study import Study
from tests.conftest import write_set


def test_a_study_has_one_image_per_patient_with_its_mask(patients: KnownDataset, patients_folder: Path) -> None:
    study = create_study(StudyRequest(patients, cases=8, name=" First  study ", seed=4))
    assert (study.name, len(study.cases), study.positive, study.classes) == ("First study", 8, "yes", ("no", "yes"))
    assert study.counts == {"no": 4, "yes": 4}
    assert len({case.path[:10] for case in study.cases}) == len({case.group for case in study.cases}) == 8
    assert [case.sha256 for case in study.cases] == sorted(case.sha256 for case in study.cases)
    for case in study.cases:
        assert bool(case.mask) == (case.truth == "yes")
        if case.mask:
            true = np.asarray(Image.open(patients_folder / "masks" / Path(case.path).name)) > 0
            assert (read_mask(study.id, case.mask) == true).all()
    assert read_study(study.id) == find_study(study.id[:6]) == find_study("First study") == study
    assert not any("not known" in note for note in study.notes)


def test_the_phantom_teaches_and_says_that_it_is_synthetic(reading_home: Path) -> None:
    known = add_phantom(8, 1, slices_per_subject=1)
    study = create_study(StudyRequest(known, cases=6, teaching=True))
    assert study.notes[0] == "All cases are synthetic: the results say nothing about patients."
    assert study.dataset.synthetic == 6
    assert sum(bool(case.mask) for case in study.cases) == study.counts["tumour"] == 3
    assert study.positive == "tumour"
    assert not Path(study.dataset.path).is_absolute(), "the home folder may be moved"


def test_unknown_patients_and_too_few_images_are_named(reading_home: Path, tmp_path: Path) -> None:
    known = add_folder(write_set(tmp_path / "set", ("no", "yes"), 4))
    study = create_study(StudyRequest(known, cases=20))
    assert len(study.cases) == 8
    assert any("not known which images are of one patient" in note for note in study.notes)
    assert "The study has 8 cases instead of 20: there are not enough different images." in study.notes
    assert study.name == "set"


def test_too_few_patients_are_named(patients: KnownDataset) -> None:
    study = create_study(StudyRequest(patients, cases=20))
    assert len(study.cases) == 12
    why = "there are not enough patients, of whom each gives at most one image."
    assert f"The study has 12 cases instead of 20: {why}" in study.notes


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"cases": 1}, "choose 2 to 500"),
        ({"cases": 501}, "choose 2 to 500"),
        ({"seed": -1}, "The seed -1"),
        ({"positive": "perhaps"}, "'perhaps' is not a class"),
        ({"name": "../x"}, "cannot be a study's name"),
        ({"name": "x" * 61}, "cannot be a study's name"),
    ],
)
def test_requests_that_make_no_sense_are_refused(patients: KnownDataset, wanted: dict[str, object], why: str) -> None:
    with pytest.raises(ReadingError, match=why):
        create_study(StudyRequest(patients, **wanted))
    assert all_studies() == []


def test_datasets_that_cannot_be_read_are_refused(reading_home: Path, tmp_path: Path, patients: KnownDataset) -> None:
    with pytest.raises(DataError, match="no longer exists"):
        create_study(StudyRequest(replace(patients, path=str(tmp_path / "gone"))))
    single = tmp_path / "single" / "manifest.csv"
    single.parent.mkdir()
    shutil.copy(next(write_set(tmp_path / "other", ("no", "yes"), 2).glob("no/*.png")), single.parent / "a.png")
    single.write_text("path,label\na.png,no\n")
    with pytest.raises(ReadingError, match="only one class"):
        create_study(StudyRequest(add_folder(single)))


def test_studies_are_listed_newest_first_and_damaged_ones_stay_visible(make_study: Callable[..., Study]) -> None:
    first, second = make_study(model=False, name="a"), make_study(model=False, name="b")
    assert {study.id for study in all_studies()} >= {first.id, second.id}
    file = study_folder(first.id) / "study.json"
    kept = file.read_text()
    file.write_text(kept[:-40])
    listed = all_studies()
    assert isinstance(listed[-1], UnreadableStudy)
    assert "is damaged: put it back from a copy" in listed[-1].reason
    values = json.loads(kept)
    file.write_text(json.dumps({**values, "schema": 2}))
    with pytest.raises(ReadingError, match=r"newer brainseg .*schema 2"):
        read_study(first.id)
    file.write_text(json.dumps({**values, "id": second.id}))
    with pytest.raises(ReadingError, match="is of another study"):
        read_study(first.id)
    values["cases"][0]["truth"] = "no" if values["cases"][0]["truth"] == "yes" else "yes"
    file.write_text(json.dumps(values))
    with pytest.raises(ReadingError, match="was changed after the study was made"):
        study_state(read_study(first.id))
    for name in ("gone", "f" * 32, "zzz"):
        with pytest.raises(ReadingError, match="There is no reader study"):
            find_study(name)
    make_study(model=False, name="b")
    with pytest.raises(ReadingError, match="match 'b': use an id instead"):
        find_study("b")


def test_a_changed_mask_is_refused(make_study: Callable[..., Study]) -> None:
    study = make_study()
    digest = next(case.mask for case in study.cases if case.mask)
    Image.fromarray(np.ones((4, 4), np.uint8)).save(mask_file(study.id, digest))
    with pytest.raises(ReadingError, match="missing or was changed"):
        read_mask(study.id, digest)
