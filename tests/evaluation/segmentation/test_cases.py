"""The four cases of masks, and lesions, against scipy's labelling and plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from brainseg.evaluation.case_wording import case_sentences
from brainseg.evaluation.segmentation import evaluate_masks
from brainseg.evaluation.segmentation.cases import LESIONS, count_lesions
from tests.evaluation.segmentation.masks import evaluated, square

CLASSES = ("background", "tumour")
EMPTY = np.zeros((20, 20), np.uint8)
CORNERS = np.ones((3, 3))


def by_scipy(truth: np.ndarray, predicted: np.ndarray) -> tuple[int, ...]:
    lesions, count = ndimage.label(truth, CORNERS)
    regions, marked = ndimage.label(predicted, CORNERS)
    found = sum(bool(predicted[lesions == number].any()) for number in range(1, count + 1))
    false = sum(not truth[regions == number].any() for number in range(1, marked + 1))
    return count, found, marked, false


@pytest.mark.parametrize("density", [0.0, 0.05, 0.2, 0.6, 1.0])
def test_lesions_are_counted_as_scipy_labels_them(density):
    random = np.random.default_rng(0)
    for _ in range(20):
        truth, predicted = ((random.random((24, 31)) < density * random.random()).astype(np.uint8) for _ in range(2))
        counted = count_lesions(truth, predicted)
        assert tuple(counted[name] for name in LESIONS) == by_scipy(truth, predicted)


def test_lesions_of_different_classes_that_touch_are_one():
    truth = np.zeros((6, 6), np.uint8)
    truth[1:3, 1:3], truth[3:5, 3:5] = 1, 2
    assert count_lesions(truth, truth) == {"lesions": 1, "lesions_found": 1, "regions": 1, "regions_false": 0}


def test_each_slice_and_each_patient_is_one_case():
    here, there = square(2, 2, 4), square(12, 12, 4)
    masks = [(here, here), (here, there), (here, EMPTY), (EMPTY, here), (EMPTY, EMPTY), (here | there, here)]
    report = evaluate_masks(evaluated(masks, ["a", "a", "b", "c", "d", "d"]), CLASSES)
    found = report.cases
    assert found["slices"] == {"both_empty": 1, "missed": 1, "false_alarm": 1, "overlap": 2, "apart": 1}
    assert found["patients"] == {"both_empty": 0, "missed": 1, "false_alarm": 1, "overlap": 2, "apart": 0}
    assert [found[name] for name in LESIONS] == [5, 2, 4, 2]
    assert found["slices"]["both_empty"] == report.both_empty
    assert found["connectivity"] == 8
    slices, patients, lesions = case_sentences(found, "patient")
    assert slices.startswith("Of 6 slices: 2 where mask and tumour overlap, 1 where they lie apart, 1 with a missed")
    assert patients.startswith("Of 4 patients: ")
    assert "touches 2 of 5; 2 of 4 marked regions" in lesions
    assert len(case_sentences(found, "slice")) == 2


def test_false_alarms_are_counted_whatever_a_library_makes_of_them():
    here = square(2, 2, 4)
    report = evaluate_masks(evaluated([(here, here)] + [(EMPTY, here)] * 9), CLASSES)
    assert report.cases["slices"]["false_alarm"] == 9
    assert report.cases["regions_false"] == 9


def test_no_slices_are_no_cases():
    report = evaluate_masks(evaluated([]), CLASSES)
    assert set(report.cases["slices"].values()) == {0}
    assert report.cases["lesions"] == 0
