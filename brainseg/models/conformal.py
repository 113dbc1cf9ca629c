"""Conformal prediction sets: the classes that an image may have, at a stated coverage."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from brainseg.models.proportion import Proportion


class ConformalSets(BaseModel):
    """How the prediction sets of a model are formed: the most probable class, and all others from 1 - `limit` on.

    Attributes:
        coverage: At least this fraction of new images like the held-out ones have their true class in the set, on
            average.
        limit: Largest nonconformity (1 - probability of a class) of a class in a set.
        count: Number of images that it was set on.
        covered: Held-out images with their true class in the set, each with a limit from images of other groups.
        size: Mean number of classes in these sets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    coverage: float = Field(gt=0, lt=1)
    limit: float = Field(ge=0, le=1)
    count: int = Field(ge=1)
    covered: Proportion
    size: float = Field(ge=0)


def prediction_set(probabilities: Mapping[str, float], sets: ConformalSets) -> tuple[str, ...]:
    """Return the classes in a prediction set, most probable first.

    Args:
        probabilities: Class -> its calibrated probability.
        sets: How the sets are formed.

    Examples:
        >>> limits = ConformalSets(coverage=0.9, limit=0.7, count=100, covered=Proportion(hits=91, count=100), size=1.1)
        >>> prediction_set({"no": 0.35, "yes": 0.65}, limits), prediction_set({"no": 0.1, "yes": 0.9}, limits)
        (('yes', 'no'), ('yes',))
    """
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    others = [name for name, probability in ranked[1:] if 1 - probability <= sets.limit]
    return (ranked[0][0], *others)
