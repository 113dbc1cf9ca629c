"""Areas and kappas of readers against scikit-learn and values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from brainseg.evaluation.bootstrap import DRAWS
from brainseg.evaluation.paired import cohen_kappa
from brainseg.evaluation.readers import (
    area_difference_interval,
    area_interval,
    areas,
    drawn_areas,
    kappa_interval,
    mean_area_interval,
)

RANDOM = np.random.default_rng(5)
POSITIVE = np.arange(40) % 2 == 0
GOOD = np.clip(POSITIVE * 0.4 + RANDOM.uniform(0, 0.6, 40), 0, 1)
POOR = np.clip(POSITIVE * 0.1 + RANDOM.uniform(0, 0.6, 40), 0, 1)
ALONE = np.arange(40)


def test_areas_are_those_of_scikit_learn() -> None:
    ties = np.round(POOR, 1)
    expected = [roc_auc_score(POSITIVE, each) for each in (GOOD, POOR, ties)]
    assert areas(POSITIVE, [GOOD, POOR, ties]) == pytest.approx(expected)
    assert np.isnan(areas(np.ones(40, bool), [GOOD])).all()


def test_drawn_areas_are_those_of_the_drawn_cases() -> None:
    """The bootstrap against scikit-learn on the cases that each draw really has."""
    values = drawn_areas(POSITIVE, [GOOD, POOR], ALONE)
    assert values.shape == (DRAWS, 2)
    times = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), size=DRAWS)
    for draw in (0, 7, 1999):
        rows = np.repeat(ALONE, times[draw])
        assert values[draw] == pytest.approx(
            [roc_auc_score(POSITIVE[rows], GOOD[rows]), roc_auc_score(POSITIVE[rows], POOR[rows])]
        )


def test_intervals_hold_the_value_and_differences_are_paired() -> None:
    low, high = area_interval(POSITIVE, GOOD, ALONE)
    assert low < roc_auc_score(POSITIVE, GOOD) < high
    assert area_difference_interval(POSITIVE, GOOD, GOOD, ALONE) is None, "nothing differs in any draw"
    low, high = area_difference_interval(POSITIVE, GOOD, POOR, ALONE)
    assert low < roc_auc_score(POSITIVE, GOOD) - roc_auc_score(POSITIVE, POOR) < high
    assert area_interval(POSITIVE, GOOD, np.zeros(40)) is None
    wide = np.subtract(*area_interval(POSITIVE, POOR, ALONE // 8)[::-1])
    assert np.isfinite(wide)


def test_the_mean_area_draws_readers_and_cases() -> None:
    readers = [GOOD, POOR, np.clip(GOOD - 0.1, 0, 1)]
    low, high = mean_area_interval(POSITIVE, readers, ALONE)
    assert low < areas(POSITIVE, readers).mean() < high
    cases = np.percentile(drawn_areas(POSITIVE, readers, ALONE).mean(axis=1), (2.5, 97.5))
    assert high - low > cases[1] - cases[0], "drawing readers, too, must widen the interval"
    assert mean_area_interval(POSITIVE, [GOOD], ALONE) is None
    same = mean_area_interval(POSITIVE, [GOOD, GOOD], ALONE)
    assert same == pytest.approx(area_interval(POSITIVE, GOOD, ALONE)), "equal readers leave the cases alone"


def test_the_mean_difference_is_drawn_on_the_same_cases_and_readers() -> None:
    better = [np.clip(each + 0.3 * POSITIVE, 0, 1) for each in (GOOD, POOR)]
    low, high = mean_area_interval(POSITIVE, better, ALONE, [GOOD, POOR])
    values = drawn_areas(POSITIVE, better, ALONE) - drawn_areas(POSITIVE, [GOOD, POOR], ALONE)
    times = np.random.default_rng(1).multinomial(2, [0.5, 0.5], size=DRAWS)
    assert (low, high) == pytest.approx(np.percentile((values * times).sum(axis=1) / 2, (2.5, 97.5)))


def test_kappa_and_its_interval() -> None:
    """20 of 25 agree in a 2 x 2 table of 20, 5, 10, 15 by fives: kappa is 0.4 (Cohen's formula by hand)."""
    first = np.array(["yes"] * 25 + ["no"] * 25)
    second = np.array(["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15)
    assert cohen_kappa(first, second) == pytest.approx(0.4) == cohen_kappa_score(first, second)
    low, high = kappa_interval(first, second, np.arange(50))
    assert low < 0.4 < high
    # Fleiss, Cohen and Everitt (1969): the standard error of this table is 0.1270 (large samples).
    assert (high - low) / 2 == pytest.approx(1.96 * 0.127, rel=0.1)
    times = np.random.default_rng(0).multinomial(50, np.full(50, 1 / 50), size=DRAWS)
    drawn = [cohen_kappa_score(np.repeat(first, row), np.repeat(second, row)) for row in times[:50]]
    assert min(drawn) > low - 0.3
    assert kappa_interval(first, first, np.arange(50)) is None, "full agreement in every draw shows no interval"
    assert kappa_interval(first, second, np.zeros(50)) is None
    assert kappa_interval(np.array([], str), np.array([], str), np.array([])) is None


def test_kappa_of_several_classes_is_drawn_right() -> None:
    first, second = RANDOM.choice(["a", "b", "c"], 60), RANDOM.choice(["a", "b", "c"], 60)
    groups = np.arange(60) // 3
    low, high = kappa_interval(first, second, groups)
    times = np.random.default_rng(0).multinomial(20, np.full(20, 1 / 20), size=DRAWS)
    slow = [cohen_kappa_score(np.repeat(first, row[groups]), np.repeat(second, row[groups])) for row in times[:400]]
    assert (low, high) == pytest.approx(np.percentile(slow, (2.5, 97.5)), abs=0.05)
