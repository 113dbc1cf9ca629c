"""How often a U-Net's probabilities of single pixels come true, counted in the pass that draws the masks."""

from __future__ import annotations

import numpy as np
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.evaluation.calibration import BINS, Reliability, reliability_of_sums

PIXEL_CALIBRATION = "pixel_calibration.json"
SCHEMA = 1
TUMOUR = "tumour"
_TINY = 1e-7
"""Smallest probability that counts, since float32 rounds sums of probabilities."""


class PixelReport(TypedDict):
    """The content of `pixel_calibration.json`.

    Attributes:
        schema: Version of the file.
        slices: Number of slices.
        units: Number of patients, or of slices where no patient is known.
        reliability: The calibration of the probability that a pixel is marked, whatever the class of the tumour.
    """

    schema: int
    slices: int
    units: int
    reliability: Reliability


PIXEL_REPORT = TypeAdapter(PixelReport)
"""Checks the content of `pixel_calibration.json`."""


class PixelCalibration:
    """Adds up what a reliability diagram of pixels needs, slice by slice.

    Args:
        patients: (slices,) int64, the patient of each slice, numbered from 0.
    """

    def __init__(self, patients: np.ndarray) -> None:
        self.patients = patients
        self.sums = np.zeros((int(patients.max(initial=-1)) + 1, 3 + 3 * BINS))
        self.slices = 0

    def add(self, probabilities: np.ndarray, truth: np.ndarray) -> None:
        """Add the next slice.

        Args:
            probabilities: (classes, H, W) float32, background first.
            truth: (H, W) uint8 class numbers, 0 is the background.
        """
        marked = 1.0 - probabilities[0].ravel().astype(np.float64)
        actual = truth.ravel() > 0
        bins = np.minimum((marked * BINS).astype(np.int64), BINS - 1)
        of_truth = np.where(actual, marked, 1 - marked)
        row = self.sums[self.patients[self.slices]]
        row[:3] += (
            len(marked),
            -np.log(np.clip(of_truth, _TINY, None)).sum(),
            2 * ((marked - actual) ** 2).sum(),  # over both classes, as for images
        )
        row[3:] += np.concatenate(
            [np.bincount(bins, weights, BINS) for weights in (np.ones(len(marked)), marked, actual.astype(np.float64))]
        )
        self.slices += 1

    def report(self) -> PixelReport:
        """Return the calibration of all slices; intervals are by bootstrap over patients."""
        found = reliability_of_sums(self.sums, TUMOUR, two=True, independent=False)
        return {"schema": SCHEMA, "slices": self.slices, "units": len(self.sums), "reliability": found}
