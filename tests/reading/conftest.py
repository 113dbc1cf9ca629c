"""A home folder without a run store, a small dataset with patients and masks, and studies on it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.datasets.library import KnownDataset, add_folder
from brainseg.diagnosis.answer import Diagnosis
from brainseg.reading.answers import ReaderAnswer
from brainseg.reading.creating import StudyRequest, create_study
from brainseg.reading.library import mask_file as stored_mask
from brainseg.reading.library import new_id, read_mask, store_study
from brainseg.reading.session import ReaderSession
from brainseg.reading.study import Study, StudyModel
from brainseg.scans import Scan
from tests.conftest import draw_slice, made_once

DIGEST = "d" * 64
PATIENTS, SLICES = 12, 3


def write_patients(folder: Path) -> None:
    """Write slices of twelve patients with a manifest; every second patient has the "tumour", with its mask."""
    random = np.random.default_rng(3)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = []
    for patient in range(PATIENTS):
        for number in range(SLICES):
            ill, name = patient % 2 == 1, f"p{patient:02d}_{number}.png"
            image = draw_slice(random, tumour=ill)
            Image.fromarray(image).save(folder / "images" / name)
            Image.fromarray(np.where(image == 235, 255, 0).astype(np.uint8)).save(folder / "masks" / name)
            rows.append([f"images/{name}", "yes" if ill else "no", f"patient {patient}", f"masks/{name}"])
    with (folder / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "label", "patient", "mask"], *rows])


@pytest.fixture
def reading_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def patients_folder(session_folder: Path) -> Path:
    return made_once(session_folder / "patients", write_patients)


@pytest.fixture
def patients(reading_home: Path, patients_folder: Path) -> KnownDataset:
    return add_folder(patients_folder, "patients")


@pytest.fixture
def make_study(patients: KnownDataset) -> Callable[..., Study]:
    """Make a study of six cases on the dataset; with a model unless `model=False`; keywords are those of a request."""

    def made(model: bool = True, **wanted: object) -> Study:
        plain = create_study(StudyRequest(patients, **{"cases": 6, **wanted}))
        if not model:
            return plain
        study = replace(plain, id=new_id(), model=StudyModel("f" * 32, "tuned (dddddddddddd)", DIGEST))
        digests = {case.mask for case in plain.cases if case.mask}
        store_study(study, {digest: stored_mask(plain.id, digest).read_bytes() for digest in digests})
        assert all(read_mask(study.id, digest).any() for digest in digests)
        return study

    return made


def answering(probability: float, digest: str = DIGEST, threshold_class: str = "yes") -> Callable[[Scan], Diagnosis]:
    """Return a model that gives every image the same probability of class yes."""

    def ask(scan: Scan) -> Diagnosis:
        blank = np.zeros(scan.pixels.shape[:2], np.float32)
        return Diagnosis(
            label="yes" if probability >= 0.5 else "no",
            probabilities={"no": 1 - probability, "yes": probability},
            explained="yes",
            cam=blank,
            heatmap=blank,
            seconds=0.0,
            model="tuned (dddddddddddd)",
            digest=digest,
            image_sha256=scan.sha256,
            positive=threshold_class,
        )

    return ask


def read_all(
    study: Study,
    reader: str,
    first: Callable[[str], tuple[str, int]],
    model: Callable[[str], float] | None = None,
    second: Callable[[str], tuple[str, int]] | None = None,
    most: int | None = None,
) -> ReaderSession:
    """Let a reader answer the cases of a study.

    Args:
        study: The study.
        reader: The pseudonym.
        first: Case -> class and confidence of the answer alone.
        model: Case -> the model's probability of class yes; None without a model.
        second: Case -> class and confidence after the model; by default those of `first`.
        most: Stop after so many cases.
    """
    session = ReaderSession(study, reader, "sitting")
    session.begin()
    done = 0
    while (case := session.state().current(study)) and done != most:
        session.show()
        session.lock(case, ReaderAnswer(*first(case)))
        if model:
            session.show_model(case, answering(model(case)))
            session.revise(case, *(second or first)(case))
        if study.teaching:
            session.show_truth(case)
        done += 1
    return session
