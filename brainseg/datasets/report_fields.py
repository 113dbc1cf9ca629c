"""The fields of a dataset's report, with their types.

A report stays a plain dictionary, as JSON holds it, whose keys and values a type checker knows. A run stores the report
on its dataset as `dataset.json`; `read_stored_report` checks it once, where the file is opened.
"""

from __future__ import annotations

from functools import cache
from typing import NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.datasets.patient_messages import PatientsKnown


class Sizes(TypedDict):
    """The number of different sizes, and [least, most] width and height in pixels; [] without images."""

    distinct: int
    width: list[int]
    height: list[int]


class DatasetWarning(TypedDict):
    """A warning about a dataset; see `Finding`."""

    kind: str
    message: str
    files: list[str]


class UnreadableFile(TypedDict):
    """A file that could not be read, and the reason as a sentence."""

    path: str
    reason: str


class Overlap(TypedDict):
    """Copies across splits: `files` of the `total` files in split `of` have a copy in split `among`.

    `labels` counts these files by label.
    """

    of: str
    among: str
    files: int
    total: int
    labels: dict[str, int]


class NearOverlap(Overlap):
    """Copies across splits, near copies included.

    Attributes:
        identical: Files with a byte-identical copy.
        upright: Files with a byte-identical copy or a near copy that is not mirrored.
    """

    identical: int
    upright: int


class Duplicates(TypedDict):
    """Counts of byte-identical files; see `duplicates.summary`."""

    groups: int
    surplus: int
    across_labels: int
    across_splits: list[Overlap]


class NearCopies(TypedDict):
    """Counts of near copies; see `near_copies.summary`. Reports before `aligned` did not search for cropped copies."""

    pairs: int
    mirrored: int
    aligned: NotRequired[int]
    across_labels: int
    across_splits: int
    groups: int
    files: int
    leaks: list[NearOverlap]
    listed: list[list[str]]


class Masks(TypedDict):
    """The masks of a dataset.

    Attributes:
        classes: Pixel classes, background first.
        with_tumour: Number of slices with tumour.
        tumour_pixels: [least, most] tumour pixels on those slices; [] if there are none.
        tumour_share: Fraction of all pixels that are tumour.
        with_spacing: Number of slices with a known spacing.
        channels: Names of the channels; [] if they are not known.
        threshold: Mask values from this number up are tumour; None without one.
    """

    classes: list[str]
    with_tumour: int
    tumour_pixels: list[int]
    tumour_share: float
    with_spacing: int
    channels: list[str]
    threshold: float | None


class CommonFields(TypedDict):
    """The fields that the reports of all versions of brainseg have.

    Attributes:
        path: The dataset's folder.
        images: Number of readable images.
        classes: Class -> number of images.
        groups: Number of patients, 0 if they are unknown.
        splits: Given split -> number of images.
        modes: File mode -> number of images.
        formats: File format -> number of images.
        wrong_extension: Paths of files whose extension names another format.
        unreadable: Files that could not be read.
        ignored: Paths of files that are not images of the dataset.
        duplicates: Counts of byte-identical files.
        fingerprint: SHA-256 of the dataset; see `Dataset.fingerprint`.
    """

    path: str
    images: int
    classes: dict[str, int]
    groups: int
    splits: dict[str, int]
    modes: dict[str, int]
    formats: dict[str, int]
    wrong_extension: list[str]
    unreadable: list[UnreadableFile]
    ignored: list[str]
    duplicates: Duplicates
    fingerprint: str


class DatasetReport(CommonFields):
    """The report on a dataset; see `dataset_report`. Only datasets with masks have `masks` and `notes`."""

    patients: PatientsKnown
    sizes: Sizes
    warnings: list[DatasetWarning]
    near_copies: NearCopies
    masks: NotRequired[Masks]
    notes: NotRequired[list[str]]


class StoredReport(CommonFields):
    """The fields of a stored report that brainseg reads again.

    The first versions did not record where patients are known from, and did not search for near copies.
    """

    patients: NotRequired[PatientsKnown]
    near_copies: NotRequired[NearCopies]


def read_stored_report(values: object) -> StoredReport:
    """Return the report that a `dataset.json` holds, written by this version or an earlier one.

    Raises:
        ValueError: A field is missing, or a value has another type.
    """
    return report_check().validate_python(values)


@cache  # building it takes much longer than a check
def report_check() -> TypeAdapter[StoredReport]:
    """Return what checks the fields of a stored report."""
    return TypeAdapter(StoredReport)
