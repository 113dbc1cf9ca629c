"""What a bundle knows about its model's probabilities: how they are calibrated, or why they are not."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from brainseg.models.conformal import ConformalSets


class Calibration(BaseModel):
    """Temperature scaling: the logits are divided by `temperature` before the softmax.

    It never changes which class has the highest probability (Guo et al. 2017, "On calibration of modern neural
    networks", ICML).

    Attributes:
        temperature: Over 1 makes the probabilities less extreme, below 1 more extreme; 1 leaves them as they are.
        count: Number of images that it was fitted on; none of them was learnt from.
        wrong: Number of those that the model predicts wrongly.
        source: Where these images are from: the run's validation set, or all folds of a cross-validation.
        sets: How prediction sets are formed; None in bundles of earlier versions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    temperature: float = Field(gt=0)
    count: int = Field(ge=1)
    wrong: int = Field(ge=0)
    source: Literal["validation", "out-of-fold"] = "validation"
    sets: ConformalSets | None = None


class Obstacle(StrEnum):
    """Why probabilities cannot be calibrated."""

    IMAGES = "too few images"
    GROUPS = "too few patients"
    WRONG = "too few wrong answers"
    RIGHT = "too few correct answers"


class NotCalibrated(BaseModel):
    """A calibration that was refused.

    Attributes:
        obstacle: What was missing.
        found: How many there were.
        needed: How many are needed.
        count: Number of held-out images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    obstacle: Obstacle
    found: int = Field(ge=0)
    needed: int = Field(ge=1)
    count: int = Field(ge=0)


CalibrationState = Calibration | NotCalibrated | None
"""None: brainseg has never tried to calibrate the model, as in bundles of earlier versions."""


def sets_of(state: CalibrationState) -> ConformalSets | None:
    """Return how a model's prediction sets are formed; None if it is not calibrated, or has none."""
    return state.sets if isinstance(state, Calibration) else None


def temperature_of(state: CalibrationState) -> float:
    """Return the temperature of a model; 1 without a calibration."""
    return state.temperature if isinstance(state, Calibration) else 1.0
