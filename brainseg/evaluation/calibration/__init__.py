"""Calibration of a classifier: whether its probabilities are as often correct as they say, and temperature scaling."""

from brainseg.evaluation.calibration.fit import calibrate
from brainseg.evaluation.calibration.reliability import Reliability, reliability
from brainseg.evaluation.calibration.stored import (
    CALIBRATION,
    CALIBRATION_TYPE,
    VALIDATION_PREDICTIONS,
    CalibrationReport,
    calibration_values,
)
from brainseg.evaluation.calibration.temperature import fit_temperature, scaled

__all__ = [
    "CALIBRATION",
    "CALIBRATION_TYPE",
    "VALIDATION_PREDICTIONS",
    "CalibrationReport",
    "Reliability",
    "calibrate",
    "calibration_values",
    "fit_temperature",
    "reliability",
    "scaled",
]
