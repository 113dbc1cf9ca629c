from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.spatial.distance import cdist

from brainseg.evaluation.segmentation import hausdorff95
from tests.evaluation.segmentation.masks import pairs, square


def outline(mask: np.ndarray) -> np.ndarray:
    return (mask > 0) & ~binary_erosion(mask > 0)


def by_distance_transform(truth, predicted, spacing):
    """As MONAI and medpy compute it."""
    first, second = outline(truth), outline(predicted)
    there = distance_transform_edt(~second, sampling=spacing)[first]
    back = distance_transform_edt(~first, sampling=spacing)[second]
    return max(np.percentile(there, 95), np.percentile(back, 95))


def by_all_pairs(truth, predicted, spacing):
    first, second = (np.argwhere(outline(mask)) * np.array(spacing) for mask in (truth, predicted))
    apart = cdist(first, second)
    return max(np.percentile(apart.min(axis=1), 95), np.percentile(apart.min(axis=0), 95))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 0.5), (0.667, 0.7), (3.0, 0.4)])
@pytest.mark.parametrize("reference", [by_distance_transform, by_all_pairs])
def test_distance_is_that_of_the_references(reference, spacing):
    compared = 0
    for truth, predicted in pairs(400, seed=3):
        ours = hausdorff95(truth, predicted, spacing)
        if not truth.any() or not predicted.any():
            assert math.isnan(ours)
            continue
        np.testing.assert_allclose(ours, reference(truth, predicted, spacing), rtol=1e-12, atol=1e-12)
        compared += 1
    assert compared == 250


def test_shift_counts_in_mm_with_a_spacing_and_in_pixels_without():
    truth, predicted = square(4, 4, 6), square(4, 9, 6)
    assert hausdorff95(truth, predicted) == 5
    assert hausdorff95(truth, predicted, (2.0, 0.5)) == 2.5
    assert hausdorff95(truth.T.copy(), predicted.T.copy(), (2.0, 0.5)) == 10
    assert hausdorff95(truth, truth) == 0


def test_masks_that_do_not_fit_and_spacings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="the same shape"):
        hausdorff95(square(1, 1, 2), square(1, 1, 2, 21))
    for wrong in ((0.0, 1.0), (1.0, -1.0), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="spacing must be positive"):
            hausdorff95(square(1, 1, 2), square(1, 1, 2), wrong)
