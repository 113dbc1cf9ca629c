"""Gaps between subsets: against published numbers, scipy and direct draws."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainseg.evaluation.bootstrap import DRAWS
from brainseg.evaluation.segmentation import evaluate_masks, false_alarms, missed_slices, slice_table
from brainseg.evaluation.subset_gaps import accuracy_gap, dice_gap, newcombe, pooled_dice
from brainseg.evaluation.subset_parts import parts_of, thirds_of


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombes_interval_is_that_of_his_table_ii(first, second, expected) -> None:
    assert newcombe(first, second) == pytest.approx(expected, abs=6e-5)


def test_independent_images_are_compared_exactly() -> None:
    random = np.random.default_rng(1)
    inside, correct = random.random(120) < 0.4, random.random(120) < 0.8
    found = accuracy_gap(correct, inside, np.arange(120) * 7)
    assert found.difference == pytest.approx(correct[inside].mean() - correct[~inside].mean())
    table = pd.crosstab(inside, correct).to_numpy()
    assert found.p == pytest.approx(stats.fisher_exact(table).pvalue)
    assert found.interval == pytest.approx(
        newcombe((correct[inside].sum(), inside.sum()), (correct[~inside].sum(), (~inside).sum()))
    )
    assert found.interval[0] < found.difference < found.interval[1]


def test_dependent_images_are_drawn_by_unit() -> None:
    random = np.random.default_rng(2)
    units = np.repeat(np.arange(40), 3)
    inside = units % 3 == 0
    correct = random.random(120) < np.where(inside, 0.5, 0.85)
    found = accuracy_gap(correct, inside, units, seed=5)
    times = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40), size=DRAWS)
    gaps = []
    for draw in times:  # image by image, without matrix products
        weight = draw[units]
        gaps.append(
            np.average(correct[inside], weights=weight[inside]) - np.average(correct[~inside], weights=weight[~inside])
        )
    assert found.interval == pytest.approx(tuple(np.percentile(gaps, (2.5, 97.5))))
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.difference) / np.std(gaps)))
    assert "patients and copies" in found.method
    exact = accuracy_gap(correct, inside, np.arange(120))
    assert exact.difference == pytest.approx(found.difference)


def test_what_cannot_be_compared_has_no_interval() -> None:
    inside = np.array([True, True, False, False])
    nothing = accuracy_gap(inside, np.ones(4, bool), np.arange(4))
    assert (nothing.difference, nothing.interval, nothing.p) == (None, None, None)
    one = accuracy_gap(inside, inside, np.zeros(4, int))
    assert (one.difference, one.interval, one.p) == (1.0, None, None)
    same = accuracy_gap(np.ones(6, bool), np.arange(6) < 3, np.array([0, 0, 1, 1, 2, 2]))
    assert (same.difference, same.interval, same.p) == (0.0, None, None)
    units = np.repeat(np.arange(14), 2)
    few = accuracy_gap(np.arange(28) % 3 == 0, units < 4, units)
    assert (few.difference is None, few.interval, few.p) == (False, None, None)
    assert accuracy_gap(np.arange(28) % 3 == 0, units < 5, units).interval is not None
    assert accuracy_gap(np.zeros(0, bool), np.zeros(0, bool), np.zeros(0, int)).difference is None


def masks(count: int = 24) -> pd.DataFrame:
    random = np.random.default_rng(3)
    truths = [(random.random((12, 12)) < 0.3).astype(np.uint8) * (number % 4 > 0) for number in range(count)]
    found = [
        np.where(random.random((12, 12)) < 0.15, 1 - truth, truth).astype(np.uint8) * (number % 5 > 0)
        for number, truth in enumerate(truths)
    ]
    rows = pd.DataFrame(
        {
            "path": [f"{number:02d}" for number in range(count)],
            "group": [f"p{number // 3}" for number in range(count)],
            "spacing": "",
        }
    )
    return slice_table(rows, truths, found, ("background", "tumour"))


def test_dice_is_that_of_the_evaluation_and_its_gap_is_drawn_by_patient() -> None:
    table = masks()
    report = evaluate_masks(table, ("background", "tumour"), seed=4)
    value, interval = pooled_dice(table, seed=4)
    assert value == pytest.approx(report.dice)
    assert interval == pytest.approx(report.intervals["dice"])
    inside = np.arange(len(table)) % 2 == 0
    gap = dice_gap(table, inside, seed=4)
    parts = [table[side].reset_index(drop=True) for side in (inside, ~inside)]
    sides = [evaluate_masks(part, ("background", "tumour")).dice for part in parts]
    assert gap.difference == pytest.approx(sides[0] - sides[1])
    times = np.random.default_rng(4).multinomial(8, np.full(8, 1 / 8), size=DRAWS)
    codes, counts = np.repeat(np.arange(8), 3), table[["tp", "fp", "fn"]].to_numpy(float)
    drawn = []
    for draw in times:
        parts = [(counts[side] * draw[codes[side]][:, None]).sum(axis=0) for side in (inside, ~inside)]
        drawn.append(np.subtract(*[2 * tp / (2 * tp + fp + fn) for tp, fp, fn in parts]))
    assert gap.interval == pytest.approx(tuple(np.percentile(drawn, (2.5, 97.5))))
    assert gap.p == pytest.approx(2 * stats.norm.sf(abs(gap.difference) / np.std(drawn)))
    empty = dice_gap(table, (table["true_pixels"] + table["predicted_pixels"] == 0).to_numpy())
    assert (empty.difference, empty.interval) == (None, None)


def test_failures_are_found_with_the_rows_of_their_masks() -> None:
    table = masks()
    missed, alarms = missed_slices(table), false_alarms(table)
    for found, by in ((missed, "true_pixels"), (alarms, "predicted_pixels")):
        assert found[by].is_monotonic_decreasing
        assert table["path"].iloc[found["row"]].tolist() == found["path"].tolist()
    assert set(missed["path"]) == {f"{n:02d}" for n in range(24) if n % 4 and n % 5 == 0}
    assert set(alarms["path"]) == {f"{n:02d}" for n in range(24) if n % 4 == 0 and n % 5}


def test_parts_are_values_or_thirds() -> None:
    assert parts_of(["b", "", "a"]).names == ("a", "b")
    assert parts_of(["10", "9", "10"]).names == ("9", "10")
    assert parts_of(["x"] * 5) is None
    assert parts_of([f"patient {number}" for number in range(13)]) is None
    assert parts_of([]) is None
    numbers = np.append(np.random.default_rng(0).normal(size=300), np.nan)
    thirds = thirds_of(numbers, "mm")
    counts = [(thirds.values == name).sum() for name in thirds.names]
    assert counts == [100, 100, 100]
    assert thirds.values[-1] == ""
    assert all(name.endswith(" mm") for name in thirds.names)
    edges = np.sort(numbers[:300])
    assert (thirds.values == thirds.names[0]).nonzero()[0].tolist() == np.flatnonzero(numbers <= edges[99]).tolist()
    ties = thirds_of(np.array([1.0, 1, 1, 1, 2]))
    assert [name.split(":")[0] for name in ties.names] == ["low", "high"]
    assert thirds_of(np.full(4, math.nan)) is None
    assert thirds_of(np.ones(4)) is None
