from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainseg.evaluation.segmentation import (
    dice,
    evaluate_masks,
    iou,
    patient_table,
    slice_table,
    worst_slices,
)
from brainseg.evaluation.segmentation.counts import Counts
from tests.evaluation.segmentation.masks import evaluated, pair, pairs, square

CLASSES = ("background", "tumour")
EMPTY = np.zeros((20, 20), np.uint8)


def overlap(truth: np.ndarray, predicted: np.ndarray) -> float:
    return 2 * (truth & predicted).sum() / (truth.sum() + predicted.sum())


def test_pooled_per_slice_and_per_patient_are_what_they_say():
    masks = pairs(48)
    groups = [f"p{number % 5}" for number in range(48)]
    report = evaluate_masks(evaluated(masks, groups), CLASSES)
    everything = [np.concatenate([mask.ravel() for mask in side]) for side in zip(*masks, strict=True)]
    np.testing.assert_allclose(report.dice, overlap(*everything))
    slices = [overlap(*masks) for masks in masks if masks[0].any() or masks[1].any()]
    np.testing.assert_allclose(report.slice_dice, np.mean(slices))
    assert (report.slices, report.slices_counted, report.both_empty) == (48, len(slices), 48 - len(slices))
    volumes = []
    for group in set(groups):
        mine = [masks for masks, name in zip(masks, groups, strict=True) if name == group]
        volumes.append(overlap(*(np.concatenate([mask.ravel() for mask in side]) for side in zip(*mine, strict=True))))
    np.testing.assert_allclose(report.patient_dice, np.mean(volumes))
    assert (report.patients, report.patients_counted, report.unit) == (5, 5, "patient")
    np.testing.assert_array_equal(report.matrix.sum(), everything[0].size)
    assert report.matrix[1, 0] == (everything[0] > everything[1]).sum()


def test_empty_rule_decides_about_slices_without_any_mask_only():
    masks = [(EMPTY, EMPTY), (EMPTY, square(2, 2, 4)), (square(2, 2, 4), square(2, 2, 4)), (square(2, 2, 4), EMPTY)]
    table = evaluated(masks, ["a", "b", "c", "d"])
    skip, one = (evaluate_masks(table, CLASSES, rule) for rule in ("skip", "one"))
    assert (skip.slice_dice, skip.slices_counted) == (1 / 3, 3)
    assert (one.slice_dice, one.slices_counted) == (2 / 4, 4)
    assert (skip.patient_dice, one.patient_dice) == (1 / 3, 2 / 4)
    assert skip.dice == one.dice == 2 * 16 / (2 * 16 + 16 + 16)
    assert skip.detection == {"tp": 1, "fp": 1, "fn": 1, "tn": 1, "sensitivity": 0.5, "specificity": 0.5}
    with pytest.raises(ValueError, match="rule 'nan' is unknown, allowed: skip, one"):
        evaluate_masks(table, CLASSES, "nan")


def test_model_that_predicts_nothing_does_not_look_good():
    truths = [square(3, 3, 5) if number % 10 == 0 else EMPTY for number in range(60)]
    predictions = [np.zeros_like(truth) for truth in truths]
    report = evaluate_masks(evaluated(list(zip(truths, predictions, strict=True))), CLASSES)
    assert (report.dice, report.slice_dice, report.patient_dice, report.sensitivity) == (0, 0, 0, 0)
    assert (report.slices_counted, report.both_empty) == (6, 54)
    assert report.detection["sensitivity"] == 0
    assert np.isnan(report.precision)
    assert (np.isnan(report.hd95_pixels), report.hd95_undefined) == (True, 6)
    assert list(report.per_class) == ["tumour"]


def test_without_any_tumour_nothing_is_defined():
    report = evaluate_masks(evaluated([(EMPTY, EMPTY)] * 6), CLASSES)
    assert np.isnan([report.dice, report.slice_dice, report.patient_dice, report.sensitivity]).all()
    assert report.intervals["dice"] is None
    assert report.specificity == 1


def test_distances_keep_mm_and_pixels_apart():
    masks = [(square(4, 4, 6), square(4, 9, 6)), (square(4, 4, 6), EMPTY), (square(4, 4, 6), square(4, 6, 6))]
    rows = pd.DataFrame({"path": list("abc"), "group": list("abc"), "spacing": ["0.5 0.5", "0.5 0.5", ""]})
    table = slice_table(rows, [truth for truth, _ in masks], [predicted for _, predicted in masks], CLASSES)
    report = evaluate_masks(table, CLASSES)
    assert (report.hd95_mm, report.hd95_mm_slices) == (2.5, 1)
    assert (report.hd95_pixels, report.hd95_pixels_slices) == (2.0, 1)
    assert report.hd95_undefined == 1


def test_slices_without_a_patient_stand_for_themselves():
    report = evaluate_masks(evaluated(pairs(16), [""] * 16), CLASSES)
    assert (report.unit, report.patients, report.patient_dice) == ("slice", 16, report.slice_dice)


def test_several_classes_are_judged_by_themselves_and_together():
    names = ("background", "core", "oedema")
    masks = pairs(24, classes=3)
    table = evaluated(masks, classes=names)
    report = evaluate_masks(table, names)
    for number, name in enumerate(names[1:], start=1):
        own = evaluated([tuple((mask == number).astype(np.uint8) for mask in both) for both in masks])
        alone = evaluate_masks(own, CLASSES)
        assert report.per_class[name]["dice"] == alone.dice
        assert report.per_class[name]["patient_dice"] == alone.patient_dice
        assert report.per_class[name]["fp"] == own["fp"].sum()
    together = [tuple((mask > 0).astype(np.uint8) for mask in both) for both in masks]
    assert report.dice == evaluate_masks(evaluated(together), CLASSES).dice
    assert report.matrix.shape == (3, 3)


def test_empty_table_gives_a_report_of_nothing():
    report = evaluate_masks(evaluated([]), CLASSES)
    assert (report.slices, report.patients, report.matrix.tolist()) == (0, 0, [[0, 0], [0, 0]])
    assert np.isnan(report.dice)
    assert set(report.intervals.values()) == {None}


def test_report_becomes_json_without_nan():
    values = json.loads(json.dumps(evaluate_masks(evaluated([(EMPTY, EMPTY)] * 3), CLASSES).to_dict(), allow_nan=False))
    assert (values["dice"], values["matrix"], values["classes"]) == (None, [[1200, 0], [0, 0]], list(CLASSES))


# ------------------------------------------------------------------------------------------------------------ intervals


def test_interval_is_the_percentile_of_patients_drawn_anew():
    table = evaluated(pairs(60, seed=5), [f"p{number % 12}" for number in range(60)])
    report = evaluate_masks(table, CLASSES, seed=1)
    volumes = [rows[list(Counts._fields)].to_numpy().sum(axis=0) for _, rows in table.groupby("group", sort=False)]
    pooled, means = [], []
    for often in np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), size=2000):
        drawn = np.repeat(volumes, often, axis=0)
        pooled.append(dice(Counts(*drawn.sum(axis=0))))
        means.append(np.nanmean(dice(Counts(*drawn.T))))
    np.testing.assert_allclose(report.intervals["dice"], np.percentile(pooled, (2.5, 97.5)))
    np.testing.assert_allclose(report.intervals["patient_dice"], np.percentile(means, (2.5, 97.5)))
    for name, pair_ in report.intervals.items():
        if pair_ is not None and hasattr(report, name):
            assert pair_[0] <= getattr(report, name) <= pair_[1], name


def test_interval_is_the_same_for_the_same_seed_only():
    table = evaluated(pairs(60))
    first, again, other = (evaluate_masks(table, CLASSES, seed=seed).intervals["dice"] for seed in (0, 0, 1))
    assert first == again != other


def test_one_patient_has_no_interval():
    report = evaluate_masks(evaluated(pairs(10), ["p"] * 10), CLASSES)
    assert set(report.intervals.values()) == {None}
    assert report.dice > 0


def test_slices_of_one_patient_do_not_make_an_interval_narrow():
    random = np.random.default_rng(0)
    once = [pair(random, "blobs") for _ in range(8)]
    few = evaluated(once, [f"p{number}" for number in range(8)])
    many = evaluated(once * 20, [f"p{number % 8}" for number in range(160)])
    assert evaluate_masks(many, CLASSES).intervals["dice"] == evaluate_masks(few, CLASSES).intervals["dice"]


# --------------------------------------------------------------------------------------------------------------- tables


def test_table_tells_of_each_slice_what_was_counted():
    table = evaluated([(square(2, 2, 4), square(2, 4, 4)), (EMPTY, EMPTY)], spacing="0.5 0.5")
    first, second = table.to_dict(orient="records")
    assert first["path"] == "0000.png"
    assert [first[name] for name in ("tp", "fp", "fn", "tn")] == [8, 8, 8, 376]
    assert (first["true_pixels"], first["predicted_pixels"]) == (16, 16)
    assert (first["dice"], first["iou"], first["hd95"]) == (0.5, 1 / 3, 1.0)
    assert (first["n_0_0"], first["n_0_1"], first["n_1_0"], first["n_1_1"]) == (376, 8, 8, 8)
    assert (second["has_tumour"], second["detected"], np.isnan(second["dice"])) == (False, False, True)


def test_masks_are_taken_one_at_a_time_and_must_be_as_many_as_rows():
    rows = pd.DataFrame({"path": ["a", "b"], "group": "", "spacing": ""})
    with pytest.raises(ValueError, match="longer"):
        slice_table(rows, [EMPTY], [EMPTY], CLASSES)
    with pytest.raises(ValueError, match="lacks 'spacing'"):
        slice_table(rows.drop(columns="spacing"), [EMPTY] * 2, [EMPTY] * 2, CLASSES)


def test_patients_come_worst_first_with_their_slices():
    masks = [(square(2, 2, 4), square(2, 2, 4)), (square(2, 2, 4), EMPTY), (EMPTY, EMPTY), (EMPTY, EMPTY)]
    patients = patient_table(evaluated(masks, ["good", "bad", "good", "none"]))
    assert patients["group"].tolist() == ["bad", "good", "none"]
    assert patients["slices"].tolist() == [1, 2, 1]
    assert patients["tumour_slices"].tolist() == [1, 1, 0]
    np.testing.assert_array_equal(patients["dice"], [0, 1, np.nan])
    np.testing.assert_array_equal(patients["iou"], iou(Counts(*patients[list(Counts._fields)].to_numpy().T)))


def test_worst_slices_are_lowest_first_and_never_empty_ones():
    masks = [
        (EMPTY, EMPTY),
        (square(2, 2, 4), square(2, 2, 4)),
        (square(2, 2, 4), square(2, 4, 4)),
        (EMPTY, square(2, 2, 3)),
        (square(2, 2, 8), EMPTY),
    ]
    worst = worst_slices(evaluated(masks), 3)
    assert worst["path"].tolist() == ["0004.png", "0003.png", "0002.png"]
    assert worst["row"].tolist() == [4, 3, 2]
    assert len(worst_slices(evaluated(masks), 9)) == 4
    with pytest.raises(ValueError, match="k must be at least 1"):
        worst_slices(evaluated(masks), 0)
