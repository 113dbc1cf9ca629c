"""The comparison of heatmaps, and the values with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import rankdata

from brainseg.preparation import Geometry
from brainseg.robustness.corruptions import Condition, image_seed
from brainseg.robustness.heatmap_stability import SIDE, correlation, seen_part
from brainseg.robustness.measured import mean_over_groups, proportion

EVERYWHERE = np.ones((SIDE, SIDE), np.float32)


def hill(row: float, column: float, side: int = SIDE) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / (side / 4) ** 2).astype(np.float32)


def test_correlation_is_that_of_ranks() -> None:
    one, other = hill(20, 30), hill(30, 40)
    assert correlation(one, one, EVERYWHERE) == pytest.approx(1)
    assert correlation(one, one**3, EVERYWHERE) == pytest.approx(1)  # only the order counts
    assert correlation(one, -one, EVERYWHERE) == pytest.approx(-1)
    ranks = [rankdata(values).ravel() for values in (one, other)]
    assert correlation(one, other, EVERYWHERE) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert math.isnan(correlation(one, np.zeros_like(one), EVERYWHERE))


def test_only_what_the_model_saw_counts() -> None:
    one, other, seen = hill(20, 30), hill(20, 30), EVERYWHERE.copy()
    other[:, :20] = np.random.default_rng(0).random((SIDE, 20))
    seen[:, :20] = 0
    assert correlation(one, other, EVERYWHERE) < 0.95
    assert correlation(one, other, seen) == pytest.approx(1)
    part = seen_part(Geometry((40, 30), (0, 5, 40, 20), (0, 8, 32, 16)))
    assert part.sum() == 40 * 20
    assert not part[:, :5].any()


def test_a_heatmap_that_turns_with_its_image_is_stable() -> None:
    before, condition, seed = hill(50, 80, 128), Condition("rotation", 30), image_seed(0, "12" * 32)
    after, inside = condition.move(before, seed), condition.move(np.ones_like(before), seed)
    assert correlation(condition.move(before, seed), after, inside) == pytest.approx(1)
    assert correlation(before, after, inside) < 0.95


def test_values_without_a_definition_are_left_out() -> None:
    found = mean_over_groups([0.5, math.nan, 1.0], np.array([4, 4, 9]))
    assert (found["value"], found["count"]) == (0.75, 2)
    assert found["interval"] == (0.5, 1.0)
    assert mean_over_groups([math.nan], np.array([1])) == {"value": None, "interval": None, "count": 0}
    assert mean_over_groups([0.5, 0.7], np.array([1, 1]))["interval"] is None  # one group alone
    assert proportion(3, 4)["value"] == 0.75
