from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score, precision_score, recall_score

from brainseg.evaluation.segmentation import confusion, dice, iou, precision, sensitivity, specificity
from brainseg.evaluation.segmentation.counts import Counts, class_counts, foreground_counts
from tests.evaluation.segmentation.masks import evaluated, pairs


def counts(truth: np.ndarray, predicted: np.ndarray, classes: int) -> Counts:
    return class_counts(confusion(truth, predicted, classes))


def columns(masks: list[np.ndarray]) -> np.ndarray:
    """Return one column per mask, padded with zeros, so scikit-learn scores all of them at once, as labels."""
    return np.array([np.pad(mask.ravel(), (0, 1600 - mask.size)) for mask in masks]).T


@pytest.mark.slow
def test_scores_of_a_thousand_masks_are_those_of_scikit_learn():
    masks = pairs(1000)
    ours = [Counts(*(part[1] for part in counts(*both, 2))) for both in masks]
    truth, predicted = (columns(list(side)) for side in zip(*masks, strict=True))
    not_truth, not_predicted = (columns([1 - mask for mask in side]) for side in zip(*masks, strict=True))
    undefined = {}
    for score, reference, actual, called in (
        (dice, f1_score, truth, predicted),
        (iou, jaccard_score, truth, predicted),
        (precision, precision_score, truth, predicted),
        (sensitivity, recall_score, truth, predicted),
        (specificity, recall_score, not_truth, not_predicted),
    ):
        never, always = (reference(actual, called, average=None, zero_division=value) for value in (0, 1))
        expected = np.where(never == always, never, np.nan)
        np.testing.assert_allclose([score(counted) for counted in ours], expected, rtol=1e-12, err_msg=score.__name__)
        undefined[score] = int(np.isnan(expected).sum())
    assert undefined == {dice: 125, iou: 125, precision: 250, sensitivity: 250, specificity: 125}


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_confusion_is_that_of_scikit_learn(classes):
    for truth, predicted in pairs(80, classes, seed=classes):
        expected = confusion_matrix(truth.ravel(), predicted.ravel(), labels=range(classes))
        np.testing.assert_array_equal(confusion(truth, predicted, classes), expected)


@pytest.mark.parametrize("classes", [2, 4])
def test_counts_of_each_class_add_up_to_the_pixels(classes):
    for truth, predicted in pairs(40, classes, seed=9):
        counted = counts(truth, predicted, classes)
        assert (sum(counted) == truth.size).all()
        assert counted.tp.sum() == (truth == predicted).sum()
        whole = foreground_counts(confusion(truth, predicted, classes))
        binary = counts((truth > 0).astype(np.uint8), (predicted > 0).astype(np.uint8), 2)
        assert [int(part) for part in whole] == [int(part[1]) for part in binary]


def test_whole_arrays_of_counts_give_the_same_scores():
    table = evaluated(pairs(64))
    together = Counts(*(table[name].to_numpy() for name in Counts._fields))
    np.testing.assert_array_equal(dice(together), table["dice"])
    np.testing.assert_array_equal(iou(together), table["iou"])


@pytest.mark.parametrize(
    ("truth", "predicted", "classes", "words"),
    [
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), 2, "of the same shape"),
        (
            np.zeros((2, 2), np.uint8),
            np.full((2, 2), 255, np.uint8),
            2,
            "predicted must hold uint8 class numbers below 2",
        ),
        (np.zeros((2, 2), bool), np.zeros((2, 2), np.uint8), 2, "truth must hold uint8"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), 1, "classes must be 2 to 21"),
    ],
)
def test_masks_that_cannot_be_counted_are_refused(truth, predicted, classes, words):
    with pytest.raises(ValueError, match=words):
        confusion(truth, predicted, classes)
