"""The calibration of a run as it is stored: the content of `calibration.json`."""

from __future__ import annotations

from typing import Any, cast

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.evaluation.calibration.reliability import Reliability
from brainseg.models.calibration import CalibrationState

CALIBRATION = "calibration.json"
VALIDATION_PREDICTIONS = "validation.parquet"
"""The predictions of the validation set, for runs that were evaluated on their test set."""
SCHEMA = 2
"""Version of `calibration.json`; version 1 had no prediction sets."""


class CalibrationReport(TypedDict):
    """The content of `calibration.json`.

    Attributes:
        schema: Version of the file.
        state: The calibration, or why there is none.
        copies: Held-out images that were left out, since the training set holds a copy of them.
        before: The calibration of the network's own scores; None without images.
        after: The same after scaling. Each image is scaled by a temperature that was fitted without it and without its
            group, so the numbers are honest; None without a calibration.
    """

    schema: int
    state: CalibrationState
    copies: int
    before: Reliability | None
    after: Reliability | None


CALIBRATION_TYPE = TypeAdapter(CalibrationReport)
"""Checks the content of `calibration.json`, and writes it as plain values."""


def calibration_values(report: CalibrationReport) -> dict[str, Any]:
    """Return a report as plain values that JSON can hold."""
    return cast("dict[str, Any]", CALIBRATION_TYPE.dump_python(report, mode="json"))
