"""Sentences on the sample of a study that readers of its results must know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brainseg.reading.study import Case

UNRECORDED = (
    "It is not recorded which images the model was trained on: its results are too good if some cases are among them."
)


@dataclass(frozen=True)
class Sample:
    """What a study's sample is like.

    Attributes:
        cases: The cases.
        wanted: How many were wanted.
        patients_known: Whether the dataset tells which images are of one patient.
        unknown_patients: Cases whose patient is not known.
        synthetic: Cases that are synthetic.
        learnt: Images of the dataset that were left out since the model learnt from them or from their patients.
        model: Whether there is a model.
        splits_known: Whether it is known which images the model was trained on.
        teaching: Whether readers see the truth after each case.
    """

    cases: Sequence[Case]
    wanted: int
    patients_known: bool
    unknown_patients: int
    synthetic: int
    learnt: int
    model: bool
    splits_known: bool
    teaching: bool


def sample_notes(sample: Sample) -> tuple[str, ...]:
    """Return the sentences, the most serious first."""
    count = len(sample.cases)
    found = [
        _synthetic(sample.synthetic, count),
        "" if sample.splits_known or not sample.model else UNRECORDED,
        _selected(sample.cases),
        _patients(sample),
        _fewer(sample),
        "Readers saw the truth after each case, so they may have learnt during the study." if sample.teaching else "",
        "The sample has about as many cases of each class, whatever their frequency elsewhere, so it says nothing "
        "about predictive values.",
        _left_out(sample.learnt),
    ]
    return tuple(filter(None, found))


def _synthetic(synthetic: int, count: int) -> str:
    if synthetic == count:
        return "All cases are synthetic: the results say nothing about patients."
    return f"{synthetic} of {count} cases are synthetic." if synthetic else ""


def _left_out(learnt: int) -> str:
    if not learnt:
        return ""
    return (
        f"{learnt:,} images were left out of the draw, since the model was trained on them, on copies of them, or on "
        "other images of their patients."
    )


def _selected(cases: Sequence[Case]) -> str:
    if not (seen := sum(case.side == "valid" for case in cases)):
        return ""
    which = "All cases are" if seen == len(cases) else f"{seen} of {len(cases)} cases are"
    return (
        f"{which} from the model's validation set, on which its best epoch, calibration or threshold may have been "
        "chosen: its results may be too good."
    )


def _patients(sample: Sample) -> str:
    count = len(sample.cases)
    if not sample.patients_known:
        return (
            "It is not known which images are of one patient, so several cases may be of one patient, and all "
            "intervals may be too narrow."
        )
    if sample.unknown_patients:
        return (
            f"The patients of {sample.unknown_patients} of {count} cases are not known, so several of them may be of "
            "one patient, and all intervals may be too narrow."
        )
    return ""


def _fewer(sample: Sample) -> str:
    if (count := len(sample.cases)) >= sample.wanted:
        return ""
    why = "patients, of whom each gives at most one image" if sample.patients_known else "different images"
    return f"The study has {count} cases instead of {sample.wanted}: there are not enough {why}."
