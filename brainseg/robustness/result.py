"""The result of a robustness check as it is stored: the content of `robustness.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.models.validation import Interval

FILE = "robustness.json"
SCHEMA = 1
"""Version of `robustness.json`."""


class Measured(TypedDict):
    """One value of a plot.

    Attributes:
        value: The value; None where it is not defined.
        interval: Its 95 % interval; None where there is none.
        count: Number of images behind it.
    """

    value: float | None
    interval: Interval
    count: int


class Point(TypedDict):
    """The answers at one strength of a corruption.

    Attributes:
        strength: In the unit of the curve; 0 for the untouched images.
        metric: Accuracy with its Wilson interval, or Dice of all pixels with an interval by bootstrap over patients.
        ece: Expected calibration error, with an interval by bootstrap over groups; None for masks.
        nll: Mean negative log-likelihood of the true class in nats, with an interval as for `ece`; None for masks.
        changed: Fraction of images whose answer is another than on the untouched image, with its Wilson interval:
            another class, or a slice on which something is marked in one case only. None for the untouched images.
        stability: Mean rank correlation (Spearman) of a classifier's heatmap with that on the untouched image, or mean
            Dice of a mask with that on the untouched image; with an interval by bootstrap over groups. None for the
            untouched images, and if no heatmaps were compared.
    """

    strength: float
    metric: Measured
    ece: Measured | None
    nll: Measured | None
    changed: Measured | None
    stability: Measured | None


class Curve(TypedDict):
    """A corruption at each of its strengths, from weak to strong.

    Attributes:
        corruption: Its name in `corruptions.CORRUPTIONS`.
        title: Its name on pages.
        unit: What its strengths are measured in.
        points: One for each strength.
    """

    corruption: str
    title: str
    unit: str
    points: list[Point]


class RobustnessReport(TypedDict):
    """The content of `robustness.json`.

    Attributes:
        schema: Version of the file.
        brainseg: Version of brainseg that measured it.
        digest: Digest of the bundle that was measured: a run that is calibrated later has another one.
        metric: The metric of each point.
        evaluated_on: The set of the split that the images are from: "valid" or "test".
        held_out: Number of images in that set.
        images: Number of them that were drawn and measured.
        groups: Number of independent groups among these: patients, and copies.
        seed: Seed of the draw and of the corruptions.
        calibrated: Number of images that the model's probabilities were calibrated on; None if `ece` and `nll` are
            those of uncalibrated scores.
        judged: The class whose probability `ece` judges; None if it is each image's highest probability.
        heatmaps: Number of images whose heatmaps were compared.
        method: How the heatmaps were drawn, a key of `diagnosis.methods.METHODS`; None if none were compared.
        stage: The residual stage that they were taken from; None if none were compared.
        reference: The untouched images.
        curves: Each corruption.
    """

    schema: int
    brainseg: str
    digest: str
    metric: Literal["accuracy", "dice"]
    evaluated_on: str
    held_out: int
    images: int
    groups: int
    seed: int
    calibrated: int | None
    judged: str | None
    heatmaps: int
    method: str | None
    stage: int | None
    reference: Point
    curves: list[Curve]


ROBUSTNESS_TYPE = TypeAdapter(RobustnessReport)
"""Checks the content of `robustness.json`."""
