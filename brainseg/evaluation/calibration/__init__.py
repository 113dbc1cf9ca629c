"""Calibration of a classifier: whether its probabilities are as often correct as they say, and temperature scaling."""

from brainseg.evaluation.calibration.fit import calibrate
from brainseg.evaluation.calibration.reliability import BINS, Reliability, reliability, reliability_of_sums
from brainseg.evaluation.calibration.stored import (
    CALIBRATION,
    CALIBRATION_TYPE,
    VALIDATION_PREDICTIONS,
    CalibrationReport,
    calibration_values,
)
from brainseg.evaluation.calibration.temperature import fit_temperature, scaled

__all__ = [
    "BINS",
    "CALIBRATION",
    "CALIBRATION_TYPE",
    "VALIDATION_PREDICTIONS",
    "CalibrationReport",
    "Reliability",
    "calibrate",
    "calibration_values",
    "fit_temperature",
    "reliability",
    "reliability_of_sums",
    "scaled",
]
