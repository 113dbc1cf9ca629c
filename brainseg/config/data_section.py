"""The section `data` of `RunConfig`: the dataset and its split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from brainseg.config.group_rule import parse_rule
from brainseg.config.sections import Section
from brainseg.errors import ConfigError

HIGHEST_MASK_VALUE = 65535
"""The largest value of a 16-bit mask, and so the largest mask threshold."""


class DataConfig(Section):
    """The dataset, and which part of it is the validation set."""

    path: str = Field("", description="Folder of class folders, or a CSV manifest (path, label, group, split).")
    split: Literal["random", "grouped", "k-fold", "given"] = Field(
        "grouped",
        description="How to choose the validation set. grouped: copies (exact and near) and images of one patient stay "
        "together; random: as in the paper, with leaks if the dataset contains copies; k-fold: grouped folds; given: "
        "the split of the folders or of the manifest.",
    )
    valid_fraction: float = Field(
        0.2, ge=0.05, le=0.5, description="Fraction of the images that go to the validation set."
    )
    stratify: bool = Field(
        False, description="Keep the class proportions equal in training and validation sets (random split only)."
    )
    folds: int = Field(5, ge=2, le=20, description="Number of folds (k-fold only).")
    fold: int = Field(0, ge=0, description="The fold that is the validation set, counted from 0 (k-fold only).")
    grouped_folds: bool = Field(
        True,
        description="Keep copies and images of one patient in one fold; false: folds by image, as in the paper, with "
        "leaks (k-fold only).",
    )
    outer_folds: int = Field(
        0,
        ge=0,
        le=20,
        description="Nested cross-validation: number of outer folds, one of which is left out of training and "
        "validation; 0: none (k-fold only).",
    )
    outer_fold: int = Field(0, ge=0, description="The outer fold that is left out, counted from 0 (k-fold only).")
    test_fraction: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Fraction of the images that go to a test set, which is drawn first and keeps copies and patients "
        "together; 0: none (not for a given split, which has its own).",
    )
    test_use: Literal["evaluate", "leave-out"] = Field(
        "evaluate",
        description="What the test set is for. evaluate: the metrics are of it; leave-out: nothing learns from it and "
        "nothing is evaluated on it, as in the trials of a search.",
    )
    seed: int = Field(42, ge=0, lt=2**32, description="Seed of the split.")
    groups: str = Field(
        "auto",
        description="Which images are of one patient. auto: a column of the manifest, else folders, else file names; "
        "none: not known; or column:NAME, folder, folder:N, name:REGEX. A prefix exact:, loose: or per-class: sets how "
        "ids are compared.",
    )
    skip_bad: bool = Field(False, description="Leave out and record unreadable files, instead of stopping.")
    allow_conflicting_labels: bool = Field(
        False, description="Train on images that have several labels, instead of stopping (classification only)."
    )
    private: bool = Field(False, description="Never show training images beside the answers of the model.")
    positive: str | None = Field(
        None, description="The class that counts as tumour; by default brainseg guesses it from the class names."
    )
    modalities: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        max_length=3,
        description="Sequences to use as input channels, in this order, e.g. [t1, flair]; by default the channels as "
        "stored (segmentation only).",
    )
    mask_threshold: Annotated[float, Field(gt=0, le=HIGHEST_MASK_VALUE, strict=True)] | None = Field(
        None,
        description="Mask values from this number up are tumour and all lower values are background, e.g. 128 for "
        "soft or JPEG masks with values from 0 to 255; by default, values are classes (segmentation only).",
    )

    @property
    def by_image(self) -> bool:
        """Whether the split ignores patients and copies, so both sides may hold images of one patient."""
        return self.split == "random" or (self.split == "k-fold" and not self.grouped_folds)

    @field_validator("groups")
    @classmethod
    def _groups_are_a_rule(cls, value: str) -> str:
        try:
            parse_rule(value)
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("data.groups: ").removesuffix(".")) from error
        return value

    @model_validator(mode="after")
    def _one_test_set(self) -> DataConfig:
        if self.test_fraction and (self.split == "given" or self.outer_folds):
            other = "outer_folds leave out images" if self.outer_folds else "a given split has its own test set"
            raise ValueError(f"test_fraction {self.test_fraction} is not allowed: {other}, so set it to 0")
        return self

    @model_validator(mode="after")
    def _outer_fold_exists(self) -> DataConfig:
        if self.outer_folds == 1:
            raise ValueError("outer_folds 1 is not allowed: 0, or 2 to 20")
        if self.outer_fold >= max(1, self.outer_folds):
            raise ValueError(f"outer_fold {self.outer_fold} does not exist among {self.outer_folds} outer folds")
        return self

    @model_validator(mode="after")
    def _fold_exists(self) -> DataConfig:
        if self.fold >= self.folds:
            raise ValueError(
                f"fold {self.fold} does not exist among {self.folds} folds, allowed: 0 to {self.folds - 1}"
            )
        return self
