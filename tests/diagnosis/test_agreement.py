from __future__ import annotations

import numpy as np
import pytest

from brainseg.diagnosis.agreement import agreement


def test_the_share_of_energy_inside_and_the_highest_point() -> None:
    heatmap = np.array([[0.0, 0.2], [0.3, 0.5]], np.float32)
    found = agreement(heatmap, np.array([[0, 0], [1, 2]]))
    assert found.energy_inside == pytest.approx(0.8)
    assert found.chance == 0.5
    assert found.hit
    missed = agreement(heatmap, np.array([[0, 1], [0, 0]]))
    assert missed.energy_inside == pytest.approx(0.2)
    assert not missed.hit


def test_a_heatmap_that_is_the_same_everywhere_is_at_chance() -> None:
    mask = np.random.default_rng(0).random((40, 30)) < 0.2
    found = agreement(np.full((40, 30), 0.3, np.float32), mask)
    assert found.energy_inside == pytest.approx(found.chance)


@pytest.mark.parametrize(("heat", "marked"), [(0.0, 1), (0.5, 0)])
def test_nothing_is_compared_with_nothing(heat: float, marked: int) -> None:
    assert agreement(np.full((4, 4), heat, np.float32), np.full((4, 4), marked)) is None


def test_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="the same size"):
        agreement(np.zeros((4, 4)), np.zeros((4, 5)))
