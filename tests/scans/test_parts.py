"""Connected parts of a mask, counted at the least cost."""

import numpy as np
import pytest
from scipy import ndimage

from brainseg.scans.parts import part_statistics


@pytest.mark.parametrize("shape", [(40, 31), (511, 510), (514, 514)])
def test_parts_are_those_of_scipy_also_where_16_bits_cannot_number_them(shape):
    dots = np.zeros(shape, np.uint8)
    dots[::2, ::2] = 1
    assert len(part_statistics(dots)) == (shape[0] + 1) // 2 * ((shape[1] + 1) // 2)
    random = (np.random.default_rng(0).random(shape) < 0.3).astype(np.uint8)
    labels, count = ndimage.label(random, np.ones((3, 3)))
    found = part_statistics(random)
    assert found.shape == (count, 5)
    areas = np.bincount(labels.ravel())[1:]
    assert sorted(found[:, 4].tolist()) == sorted(areas.tolist())


def test_an_empty_mask_has_no_parts():
    assert part_statistics(np.zeros((5, 7), np.uint8)).shape == (0, 5)
