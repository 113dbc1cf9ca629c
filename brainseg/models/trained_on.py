"""A description of what a model was trained on, shown with every answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


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
    def of(cls, data: dict[str, Any]) -> TrainedOn:
        """Read the field `data` of a bundle's description; values of another type count as unknown."""
        before = data.get("before")
        return cls(
            dataset=_typed(data.get("dataset"), str),
            images=_typed(data.get("training_images"), int),
            synthetic=_typed(data.get("synthetic"), bool),
            synthetic_images=_typed(data.get("synthetic_images"), int),
            before=cls.of(before) if isinstance(before, dict) else None,
        )

    def to_data(self) -> dict[str, Any]:
        """Return what `of` reads."""
        known = {
            "dataset": self.dataset,
            "training_images": self.images,
            "synthetic": self.synthetic,
            "synthetic_images": self.synthetic_images,
        }
        return known | ({"before": self.before.to_data()} if self.before else {})

    def to_dict(self) -> dict[str, Any]:
        """Return dataset, number of images and whether they are synthetic, as in the JSON of answers."""
        return {name: asdict(self)[name] for name in ("dataset", "images", "synthetic")}

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


def _typed(value: Any, kind: type) -> Any:  # noqa: ANN401 - whatever JSON holds
    return value if isinstance(value, kind) and not (kind is int and isinstance(value, bool)) else None
