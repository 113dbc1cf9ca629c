from __future__ import annotations

import math

import numpy as np
import pytest

from brainseg.diagnosis.pointing import NOT_MEASURED, pointing_interval, pointing_sentence, summarise
from brainseg.evaluation.bootstrap import drawn
from brainseg.evaluation.intervals import wilson


def test_hits_and_energy_are_those_counted_by_hand() -> None:
    corner, row = np.array([[1, 0], [0, 0]]), np.array([[1, 1], [0, 0]])
    maps = [
        (np.array([[0.6, 0.2], [0.2, 0.0]], np.float32), corner),  # hits, with 0.6 of its sum inside
        (np.array([[0.1, 0.1], [0.8, 0.0]], np.float32), row),  # misses, with 0.2 inside
        (np.zeros((2, 2), np.float32), row),  # empty: a miss
    ]
    found = summarise(maps, "layer-cam", 2)
    assert (found.slices, found.hits, found.empty) == (3, 1, 1)
    assert found.pointing_game == pytest.approx(1 / 3)
    assert found.interval == wilson(1, 3)
    assert found.chance == pytest.approx((0.25 + 0.5 + 0.5) / 3)
    assert found.energy_inside == pytest.approx((0.6 + 0.2 + 0.0) / 3)
    assert found.energy_ratio == pytest.approx(found.energy_inside / found.chance)
    assert found.to_dict()["layer"] == "layer2"


def test_a_heatmap_that_is_the_same_everywhere_has_a_ratio_of_one() -> None:
    masks = np.random.default_rng(0).random((5, 40, 30)) < 0.1
    found = summarise(((np.full((40, 30), 0.4, np.float32), mask) for mask in masks), "grad-cam", 4)
    assert found.energy_ratio == pytest.approx(1)


def test_nothing_measured_is_no_number_and_said_so() -> None:
    found = summarise([], "grad-cam", 4)
    assert math.isnan(found.pointing_game)
    assert math.isnan(found.energy_ratio)
    assert {pointing_sentence(each) for each in (found.to_dict(), {}, None)} == {NOT_MEASURED}


def test_the_sentence_has_count_interval_chance_and_method() -> None:
    hit, miss = np.eye(2, dtype=np.float32), 1 - np.eye(2, dtype=np.float32)
    found = summarise([(hit, np.eye(2)), (hit, np.eye(2)), (miss, np.eye(2)), (hit, np.eye(2))], "layer-cam", 1)
    assert pointing_sentence(found.to_dict()) == (
        "The hottest point of this model's heatmap lies inside the tumour on 3 of 4 slices that it did not learn from "
        "(75.0 %, 95 % CI 30.1 % to 95.4 %; a random point: 50.0 %), measured with LayerCAM on layer1."
    )


def test_slices_of_one_patient_are_drawn_together() -> None:
    hit, miss = np.eye(2, dtype=np.float32), 1 - np.eye(2, dtype=np.float32)
    maps = [(values, np.eye(2)) for values in (hit, hit, hit, miss, miss, hit)]
    found = summarise(maps, "grad-cam", 4, groups=[5, 5, 5, 8, 8, 9])
    assert (found.groups, found.pointing_game, found.interval) == (3, pytest.approx(4 / 6), wilson(4, 6))
    times = drawn(3, 0)
    sums, sizes = times @ np.array([3, 0, 1]), times @ np.array([3, 2, 1])
    assert found.intervals["pointing_game"] == pytest.approx(np.percentile(sums / sizes, (2.5, 97.5)))
    assert found.intervals["energy_ratio"] == pytest.approx(np.percentile(sums / (0.5 * sizes), (2.5, 97.5)))
    stored = found.to_dict()
    assert pointing_interval(stored) == found.intervals["pointing_game"]
    assert pointing_interval({**stored, "groups": 6}) == wilson(4, 6)
    certain = summarise(maps[:3], "grad-cam", 4, groups=[5, 5, 9]).to_dict()
    assert pointing_interval(certain) == wilson(3, 3)
    del stored["intervals"], stored["groups"]  # a file of version 1
    assert pointing_interval(stored) == wilson(4, 6)
