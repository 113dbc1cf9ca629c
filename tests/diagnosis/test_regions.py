from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from brainseg.diagnosis.regions import feret_diameter, regions


def by_hand(mask: np.ndarray, spacing: tuple[float, float]) -> float:
    """The largest distance between any two corners of any two pixels."""
    corners = {(r + i, c + j) for r, c in np.argwhere(mask) for i in (0, 1) for j in (0, 1)}
    points = np.array(sorted(corners)) * spacing
    return float(pdist(points).max())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 2.0)])
def test_areas_and_diameters_are_those_counted_by_hand(seed: int, spacing: tuple[float, float]) -> None:
    random = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(random.normal(size=(30, 26)), 1.5) > 0.15
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    found = regions(mask, spacing)
    assert len(found) == count
    parts = sorted((labels == number for number in range(1, count + 1)), key=lambda part: -part.sum())
    assert [region.pixels for region in found] == [int(part.sum()) for part in parts]
    assert sum(region.area for region in found) == pytest.approx(mask.sum() * spacing[0] * spacing[1])
    assert sorted(region.diameter for region in found) == pytest.approx(
        sorted(by_hand(part, spacing) for part in parts)
    )
    centres = sorted(ndimage.center_of_mass(part) for part in parts)
    np.testing.assert_allclose(sorted(region.centre for region in found), centres)


def test_one_pixel_measures_across_its_corners() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    (region,) = regions(mask, (3.0, 4.0))
    assert (region.pixels, region.area, region.diameter, region.centre) == (1, 12.0, 5.0, (2.0, 3.0))


def test_an_empty_mask_has_no_region_and_no_diameter() -> None:
    assert regions(np.zeros((4, 4), bool)) == ()
    assert feret_diameter(np.zeros((4, 4), bool)) == 0


def test_a_full_mask_is_one_region() -> None:
    (region,) = regions(np.ones((3, 4), bool))
    assert (region.area, region.diameter) == (12, 5)
