"""How well a model did, as its bundle says: the field `validation` of `bundle.json`, with the types of its parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict
from typing_extensions import TypedDict

from brainseg.datasets.patient_messages import PatientsKnown


def _without_nulls(pair: object) -> object:
    """Return None for two nulls, as files of earlier versions hold an interval that is not defined."""
    return None if isinstance(pair, list | tuple) and None in pair else pair


Interval = Annotated[tuple[float, float] | None, BeforeValidator(_without_nulls)]
"""A 95 % interval (low, high); None where there is none."""


class Basis(TypedDict, total=False):
    """The images that metrics are from, and what may flatter them. Earlier versions of brainseg left some fields out.

    Attributes:
        schema: Version of an `evaluation.json`.
        split: The setting `data.split`; "random" also for folds by image.
        evaluated_on: "valid" or "test".
        folds: Number of folds, if every image was evaluated by the fold that had not trained on it.
        selected_on_these_images: Whether the best epoch was chosen by the loss on the same images.
        copies_in_training: Evaluated images with a copy in the training set.
        near_copies_in_training: Those of them that differ in bytes.
        patients_known: What is known of the patients.
        chance: Accuracy of predicting the most frequent class for every image.
        collapsed: Whether the model predicts one class for everything.
        synthetic: Number of evaluated images that are synthetic.
        mask_threshold: The setting `data.mask_threshold`, if the run has one.
    """

    schema: int
    split: str
    evaluated_on: str
    folds: int
    selected_on_these_images: bool
    copies_in_training: int
    near_copies_in_training: int
    patients_known: PatientsKnown
    chance: float
    collapsed: bool
    synthetic: int
    mask_threshold: float


class Validation(Basis, total=False):
    """The field `validation` of a bundle: the headline metric of its task, and what it stands on.

    Attributes:
        count: Number of evaluated images or slices.
        accuracy: Of a classifier.
        accuracy_interval: Its 95 % interval.
        dice: Of a segmentation model.
        dice_interval: Its 95 % interval.
        patients: Number of patients, or of slices where no patient is known.
        unit: "patient" or "slice": what `patients` counts.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # as pydantic asks for it

    count: int
    accuracy: float | None
    accuracy_interval: Interval
    dice: float | None
    dice_interval: Interval
    patients: int
    unit: str
