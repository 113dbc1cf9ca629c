"""Comparisons that keep groups together, and the difference of two confusion matrices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from brainseg.evaluation.matrix_difference import matrix_difference
from brainseg.evaluation.paired import compare_pairs, design_effect, mcnemar, paired_interval
from brainseg.plots.confusion_difference import difference_figure

CLASSES = ["glioma", "none", "other"]


def aligned(count: int = 60, seed: int = 0, units: np.ndarray | None = None, skill: float = 0.8) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    table = pd.DataFrame({"label": np.array(CLASSES)[labels]})
    for name, chance in (("a", skill), ("b", 0.7)):
        wrong = (labels + random.integers(1, 3, count)) % 3
        table[f"prediction {name}"] = np.array(CLASSES)[np.where(random.random(count) < chance, labels, wrong)]
    return table if units is None else table.assign(unit=units)


def test_the_difference_is_that_of_the_matrices_with_paired_intervals():
    table = aligned()
    found = matrix_difference(table, "a", "b", CLASSES)
    matrices = [confusion_matrix(table["label"], table[f"prediction {name}"], labels=CLASSES) for name in "ab"]
    assert (found.counts == matrices[0] - matrices[1]).all()
    assert (found.counts.sum(axis=1) == 0).all()
    for row, column in product(range(3), repeat=2):
        of = table[table["label"] == CLASSES[row]]
        mine, its = (of[f"prediction {name}"] == CLASSES[column] for name in "ab")
        expected = paired_interval(int((mine & ~its).sum()), int((its & ~mine).sum()), len(of))
        assert (found.low[row, column], found.high[row, column]) == expected
        assert found.fractions[row, column] == pytest.approx((mine.sum() - its.sum()) / len(of))


def test_a_class_without_images_has_no_cell():
    table = aligned()
    found = matrix_difference(table[table["label"] != "other"], "a", "b", CLASSES)
    assert np.isnan(found.fractions[2]).all()
    assert np.isnan(found.low[2]).all()
    assert "–" in difference_figure(found, CLASSES, ("a", "b")).data[0].text[2]


@pytest.mark.parametrize("dark", [False, True])
def test_only_cells_whose_interval_excludes_0_are_coloured(dark):
    found = matrix_difference(aligned(400, skill=0.95), "a", "b", CLASSES)
    figure = difference_figure(found, CLASSES, ("a", "b"), dark=dark)
    shown = np.array(figure.data[0].z)
    assert ((shown != 0) == ((found.low > 0) | (found.high < 0))).all()
    assert (np.diag(shown) == 1).all()


def test_images_that_stand_alone_are_tested_as_before():
    alone, numbered = compare_pairs(aligned(), "ab"), compare_pairs(aligned(units=np.arange(60)), "ab")
    assert alone == numbered
    assert alone[0].groups is None
    assert alone[0].p == mcnemar(alone[0].only_first, alone[0].only_second)


def test_repeated_slices_of_a_patient_show_no_more_than_one():
    """Five copies of each image are no further evidence: the test is that of the single images, over groups."""
    single = aligned(30, skill=0.95)
    table = pd.concat([single] * 5, ignore_index=True).assign(unit=np.tile(np.arange(30), 5))
    (pair,) = compare_pairs(table, "ab")
    (naive,) = compare_pairs(table.drop(columns="unit"), "ab")
    (alone,) = compare_pairs(single, "ab")
    assert pair.groups == 30
    assert pair.difference == pytest.approx(alone.difference)
    assert pair.p == pytest.approx(alone.p, abs=0.02)
    assert naive.p < pair.p / 10
    assert pair.design_effect == pytest.approx(5)
    width, naive_width = (each.interval[1] - each.interval[0] for each in (pair, naive))
    assert width > 1.8 * naive_width
    assert pair.needed == pytest.approx(5 * naive.needed, rel=0.01)


@pytest.mark.slow
def test_equal_models_are_rarely_separated_over_patients():
    random = np.random.default_rng(3)
    found = 0
    for _ in range(60):
        skill = np.repeat(random.random(20), 6)  # slices of one patient are equally hard
        table = pd.DataFrame({"label": ["x"] * 120, "unit": np.repeat(np.arange(20), 6)})
        for name in "ab":
            shift = np.repeat(random.normal(0, 0.3, 20), 6)
            table[f"prediction {name}"] = np.where(random.random(120) < np.clip(skill + shift, 0, 1), "x", "y")
        found += compare_pairs(table, "ab")[0].better is not None
    assert found <= 8


def test_independent_images_have_no_design_effect():
    random = np.random.default_rng(0)
    effect = design_effect(random.integers(-1, 2, 3000), np.repeat(np.arange(1000), 3))
    assert effect == pytest.approx(1, abs=0.15)
    assert design_effect(np.zeros(10), np.arange(10) // 2) == 1
