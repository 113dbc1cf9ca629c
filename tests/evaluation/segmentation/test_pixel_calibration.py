"""The reliability of pixels is that of scikit-learn on all pixels, and patients, not pixels, widen its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from brainseg.evaluation.calibration import BINS
from brainseg.evaluation.segmentation.pixel_calibration import PIXEL_REPORT, PixelCalibration


def slices(count: int, seed: int = 0, size: int = 24):
    """Probabilities of two kinds of tumour, and masks drawn from them with an error that each slice has its own of."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        marked = random.beta(0.3, 1.0, (size, size)).astype(np.float32)
        first = marked * random.random((size, size)).astype(np.float32)
        true = random.random((size, size)) < np.clip(marked + random.normal(0, 0.3), 0, 1)
        yield np.stack([1 - marked, first, marked - first]), true.astype(np.uint8) * random.integers(1, 3)


def test_pixels_are_measured_as_scikit_learn_does() -> None:
    found = PixelCalibration(np.arange(6))
    values, truths = [], []
    for probabilities, truth in slices(6):
        found.add(probabilities, truth)
        values.append(1 - probabilities[0].ravel().astype(np.float64))
        truths.append(truth.ravel() > 0)
    report = found.report()
    measured = PIXEL_REPORT.validate_python(report)["reliability"]
    marked, actual = np.concatenate(values), np.concatenate(truths)
    assert (measured["count"], report["slices"], report["units"]) == (6 * 24 * 24, 6, 6)
    assert measured["brier"] == pytest.approx(brier_score_loss(actual, marked))
    assert measured["nll"] == pytest.approx(log_loss(actual, np.clip(marked, 1e-7, 1 - 1e-7)), rel=1e-5)
    observed, mean = calibration_curve(actual, marked, n_bins=BINS)
    filled = [each for each in measured["bins"] if each["count"]]
    np.testing.assert_allclose([each["observed"] for each in filled], observed)
    np.testing.assert_allclose([each["probability"] for each in filled], mean)


def test_intervals_follow_from_patients_and_not_from_pixels() -> None:
    single, together = PixelCalibration(np.arange(20)), PixelCalibration(np.repeat(np.arange(4), 5))
    for probabilities, truth in slices(20):
        single.add(probabilities, truth)
        together.add(probabilities, truth)
    for found, units in ((single, 20), (together, 4)):
        bins = [each for each in found.report()["reliability"]["bins"] if each["count"] > 100]
        assert found.report()["units"] == units
        for each in bins:
            low, high = each["interval"]
            assert low <= each["observed"] <= high
            wilson_width = 3.92 * np.sqrt(each["observed"] * (1 - each["observed"]) / each["count"])
            assert high - low > 1.5 * wilson_width


def test_one_patient_has_no_intervals_and_no_slice_no_measure() -> None:
    found = PixelCalibration(np.zeros(2, dtype=np.int64))
    for probabilities, truth in slices(2):
        found.add(probabilities, truth)
    assert {each["interval"] for each in found.report()["reliability"]["bins"]} == {None}
