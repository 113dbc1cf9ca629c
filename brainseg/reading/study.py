"""`Study`: what a reader study is about; it is written once and never changes."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from brainseg.errors import ReadingError

SCHEMA = 1
"""Version of `study.json` and of the log."""


@dataclass(frozen=True)
class Case:
    """One image of a study.

    Attributes:
        sha256: SHA-256 of the image file, by which the log and all exports name the case.
        path: The file, relative to the dataset's folder; it may contain the class, so readers never see it.
        truth: The class that the dataset gives the image.
        group: Cases with the same number are not independent: of one patient, or copies.
        mask: SHA-256 of the true mask, which is kept beside the study; "" if none is known or it is empty.
        side: The set of the model's training that the image was in: "valid", "test", or "" for neither.
    """

    sha256: str
    path: str
    truth: str
    group: int
    mask: str = ""
    side: str = ""


@dataclass(frozen=True)
class StudyDataset:
    """Where the cases are from.

    Attributes:
        name: Its name in the list of datasets.
        path: As for `open_dataset`; relative to the home folder if it is inside it.
        fingerprint: Identifies the dataset after it was moved.
        synthetic: Number of cases that are synthetic.
        patients_known: Whether it is known which images are of one patient.
    """

    name: str
    path: str
    fingerprint: str
    synthetic: int = 0
    patients_known: bool = False


@dataclass(frozen=True)
class StudyModel:
    """The model that readers see after they have answered.

    Attributes:
        run: Id of its run.
        name: Name and version, as every answer names the model.
        digest: SHA-256 of its bundle, or of the stored ensemble: no other version answers in this study.
    """

    run: str
    name: str
    digest: str


@dataclass(frozen=True)
class Study:
    """A reader study.

    Attributes:
        schema: The version of these fields.
        id: 32 hexadecimal digits.
        name: What its maker called it.
        created: When it was made, in UTC, as ISO 8601.
        dataset: Where the cases are from.
        model: The model; None for a study of readers alone.
        classes: The classes that a reader chooses from.
        positive: The class that sensitivity is of; None if there is none.
        teaching: Whether readers see the truth after each case, instead of after the study.
        seed: Seed of the sample and of the readers' orders.
        wanted: Number of cases that were asked for.
        cases: The cases, in the order of their hashes.
        notes: Sentences on the sample that readers of the results must know.
    """

    schema: int
    id: str
    name: str
    created: str
    dataset: StudyDataset
    model: StudyModel | None
    classes: tuple[str, ...]
    positive: str | None
    teaching: bool
    seed: int
    wanted: int
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()

    def case(self, sha256: str) -> Case:
        """Return a case by its hash.

        Raises:
            ReadingError: The study has no such case.
        """
        found = next((case for case in self.cases if case.sha256 == sha256), None)
        if found is None:
            raise ReadingError(f"{sha256[:8]} is not a case of this study: reload the page, or check its files.")
        return found

    @property
    def counts(self) -> dict[str, int]:
        """Class -> number of its cases."""
        return {name: sum(case.truth == name for case in self.cases) for name in self.classes}


STUDY = TypeAdapter(Study)
"""Checks the fields of `study.json`."""
