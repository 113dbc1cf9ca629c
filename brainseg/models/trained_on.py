"""A description of what a model was trained on, shown with every answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ConfigDict
from typing_extensions import TypedDict

from brainseg.models.stored_values import Known


class BundleData(TypedDict, total=False):
    """The field `data` of a bundle. Earlier versions of brainseg left some fields out.

    Attributes:
        fingerprint: SHA-256 of the dataset.
        images: Number of readable images in the dataset.
        dataset: See `TrainedOn`, as for the other fields.
        training_images: `TrainedOn.images`.
    """

    __pydantic_config__ = ConfigDict(extra="allow", strict=True)  # type: ignore[misc] # as pydantic asks for it

    fingerprint: Known[str]
    images: Known[int]
    dataset: Known[str]
    training_images: Known[int]
    synthetic: Known[bool]
    synthetic_images: Known[int]
    before: Known[BundleData]


class TrainingData(TypedDict):
    """What a model was trained on, as in the JSON of answers; see `TrainedOn`."""

    dataset: str | None
    images: int | None
    synthetic: bool | None


@dataclass(frozen=True)
class TrainedOn:
    """What a model was trained on; None for what its bundle does not record.

    Attributes:
        dataset: Name of the dataset, without its path.
        images: Number of images in the training set.
        synthetic: Whether all of these images are synthetic.
        synthetic_images: Number of these images that are synthetic.
        before: What the weights of a warm start had been trained on.
    """

    dataset: str | None = None
    images: int | None = None
    synthetic: bool | None = None
    synthetic_images: int | None = None
    before: TrainedOn | None = None

    @classmethod
    def of(cls, data: BundleData) -> TrainedOn:
        """Read the field `data` of a bundle's description."""
        before = data.get("before")
        return cls(
            dataset=data.get("dataset"),
            images=data.get("training_images"),
            synthetic=data.get("synthetic"),
            synthetic_images=data.get("synthetic_images"),
            before=None if before is None else cls.of(before),
        )

    def to_data(self) -> BundleData:
        """Return what `of` reads."""
        known: BundleData = {
            "dataset": self.dataset,
            "training_images": self.images,
            "synthetic": self.synthetic,
            "synthetic_images": self.synthetic_images,
        }
        return {**known, "before": self.before.to_data()} if self.before else known

    def to_dict(self) -> TrainingData:
        """Return dataset, number of images and whether they are synthetic, as in the JSON of answers."""
        return {"dataset": self.dataset, "images": self.images, "synthetic": self.synthetic}

    @property
    def sentence(self) -> str:
        """A sentence on what the model was trained on, for the headline of its answers."""
        if self.synthetic:
            if self.before and self.before.synthetic is False:
                before = f"before that on {self.before._named}"
                return f"Trained on synthetic slices last: says nothing about patients ({before})."
            return "Trained on synthetic slices only: says nothing about patients."
        if self.dataset is None:
            return "It is not recorded what this model was trained on."
        before = f", starting from a model trained on {self.before._named}" if self.before else ""
        return f"Trained on {self._named}{before}."

    @property
    def _named(self) -> str:
        """Name and number of images."""
        parts = [f"{self.images:,} images"] if self.images is not None else []
        if self.synthetic:
            parts = [f"{self.images:,} synthetic images"] if self.images is not None else ["synthetic"]
        elif self.synthetic_images:
            parts.append(f"{self.synthetic_images:,} of them synthetic")
        return (self.dataset or "an unknown dataset") + (f" ({', '.join(parts)})" if parts else "")


UNKNOWN = TrainedOn()


def joint_training(members: Iterable[TrainedOn]) -> TrainedOn:
    """Return what the members of an ensemble were trained on: the joined names, and None for what else differs."""
    known = list(dict.fromkeys(members))
    if len(known) == 1:
        return known[0]
    names = list(dict.fromkeys(each.dataset for each in known if each.dataset))
    synthetic = {each.synthetic for each in known}
    return TrainedOn(", ".join(names) or None, None, synthetic.pop() if len(synthetic) == 1 else None)


def joint_sentence(members: Iterable[TrainedOn]) -> str:
    """Return the sentences on what the members of an ensemble were trained on, each once."""
    return " ".join(dict.fromkeys(each.sentence for each in members))
