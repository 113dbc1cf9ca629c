"""Every metric in each draw against scikit-learn on the drawn images, and what has no interval."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from brainseg.evaluation.bootstrap import drawn
from brainseg.evaluation.class_bootstrap import METRICS, class_intervals, drawn_metrics
from brainseg.evaluation.classification import evaluate
from tests.evaluation.tables import KINDS, random_table


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [2, 3])
def test_each_draw_is_the_evaluation_of_the_drawn_images(size, kind):
    random = np.random.default_rng(3)
    table, classes = random_table(random, size, 40, kind)
    positive = classes[1] if size == 2 else None
    groups = random.permutation(np.repeat(np.arange(16), [1] * 8 + [4] * 8))
    times = drawn(16, 0)[:8]
    values = drawn_metrics(table, classes, positive, groups, times)
    assert set(values) == set(METRICS)
    for draw, often in enumerate(times):
        rows = np.repeat(np.arange(len(table)), often[groups])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = evaluate(table.iloc[rows].reset_index(drop=True), classes, positive)
        for name in METRICS:
            assert values[name][draw] == pytest.approx(getattr(report, name), abs=1e-9, nan_ok=True), name


def test_intervals_enclose_the_metrics_and_shrink_with_the_images():
    table, classes = random_table(np.random.default_rng(0), 2, 200)
    table["label"] = np.where(np.random.default_rng(1).random(200) < 0.8, table["prediction"], table["label"])
    report = evaluate(table, classes, classes[1])
    large = class_intervals(table, classes, classes[1], np.arange(200))
    small = class_intervals(table[:50], classes, classes[1], np.arange(50))
    for name in METRICS:
        low, high = large[name]
        assert low < getattr(report, name) < high
        assert high - low < small[name][1] - small[name][0]


def test_groups_widen_the_intervals():
    table, classes = random_table(np.random.default_rng(0), 2, 40)
    five = pd.concat([table] * 5, ignore_index=True)
    alone = class_intervals(five, classes, classes[1], np.arange(200))
    together = class_intervals(five, classes, classes[1], np.tile(np.arange(40), 5))
    for name in METRICS:
        assert np.diff(together[name]) > 1.5 * np.diff(alone[name])


def test_the_same_seed_gives_the_same_intervals():
    table, classes = random_table(np.random.default_rng(0), 3, 30)
    assert class_intervals(table, classes, None, np.arange(30)) == class_intervals(table, classes, None, np.arange(30))


def test_a_perfect_model_and_a_single_group_have_no_interval_by_draws():
    table, classes = random_table(np.random.default_rng(0), 2, 30, "perfect")
    found = class_intervals(table, classes, classes[1], np.arange(30))
    assert found["roc_auc"] is None
    assert found["f1"] is None
    assert set(class_intervals(table, classes, classes[1], np.zeros(30, dtype=int)).values()) == {None}
    assert set(class_intervals(table[:0], classes, classes[1], np.zeros(0, dtype=int)).values()) == {None}


def test_an_evaluation_with_groups_has_an_interval_for_every_metric():
    table, classes = random_table(np.random.default_rng(0), 2, 60)
    plain = evaluate(table, classes, classes[1])
    report = evaluate(table, classes, classes[1], np.arange(60))
    assert set(METRICS) <= set(report.intervals)
    assert all(report.intervals[name] == interval for name, interval in plain.intervals.items()), "Wilson stays"
    three, names = random_table(np.random.default_rng(0), 3, 60)
    macro = evaluate(three, names, None, np.arange(60)).intervals
    assert all(macro[name] for name in METRICS)
