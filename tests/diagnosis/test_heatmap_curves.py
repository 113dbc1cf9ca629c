"""Orders, deletion and insertion, means and similarities: against calculations written otherwise."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from brainseg.diagnosis.heatmap_checks.class_similarity import class_similarity, rank_correlations
from brainseg.diagnosis.heatmap_checks.curves import (
    BLUR,
    FRACTIONS,
    area,
    blurred,
    deletion_and_insertion,
    replaced,
)
from brainseg.diagnosis.heatmap_checks.means import SEED, mean_over_images
from brainseg.diagnosis.heatmap_checks.orders import at_random, by_heatmap, from_centre
from brainseg.diagnosis.heatmap_checks.randomised import similarity
from brainseg.diagnosis.heatmap_checks.sample import drawn_sample, held_out_images
from brainseg.diagnosis.heatmap_checks.stored import read_heatmaps, stored_heatmaps
from brainseg.errors import RunError
from brainseg.evaluation.bootstrap import drawn

SIDE = 20
random_image = np.random.default_rng(3).normal(size=(3, SIDE, SIDE)).astype(np.float32)


def spot() -> np.ndarray:
    """A map that is hot in one corner and zero elsewhere."""
    values = np.zeros((SIDE, SIDE))
    values[2:6, 2:6] = np.arange(1, 17).reshape(4, 4) / 16
    return values


def brightness_there(images: np.ndarray) -> np.ndarray:
    """A "model" that looks at that corner alone."""
    return images[:, :, 2:6, 2:6].mean(axis=(1, 2, 3))


# ------------------------------------------------------------------------------------------------------------- orders


def test_hot_pixels_come_first_and_equal_ones_in_random_order() -> None:
    first, second = (by_heatmap(spot(), np.random.default_rng(seed)) for seed in (0, 1))
    assert sorted(first) == list(range(SIDE * SIDE))
    assert spot().ravel()[first[:16]].tolist() == sorted(spot()[spot() > 0], reverse=True)
    assert (first[:16] == second[:16]).all()
    assert (first[16:] != second[16:]).mean() > 0.9
    assert abs(spearmanr(first[16:], np.arange(SIDE * SIDE - 16)).statistic) < 0.2, "not row by row"
    assert (first == by_heatmap(spot(), np.random.default_rng(0))).all()


def test_the_centre_comes_before_the_corners() -> None:
    order = from_centre(SIDE)
    distances = np.hypot(*(np.stack(np.unravel_index(order, (SIDE, SIDE))) - (SIDE - 1) / 2))
    assert (np.diff(distances) > -1e-9).all()
    assert sorted(at_random(SIDE, np.random.default_rng(0))) == sorted(order)


# ------------------------------------------------------------------------------------------------------------- curves


def test_removed_pixels_come_from_the_blurred_image() -> None:
    expected = [gaussian_filter(channel, BLUR * SIDE, mode="reflect", truncate=4) for channel in random_image]
    np.testing.assert_allclose(blurred(random_image), expected, atol=2e-3)
    order = by_heatmap(spot(), np.random.default_rng(0))
    changed = replaced(random_image, blurred(random_image), order, 16 / SIDE**2)
    assert ((changed != random_image).all(axis=0) == (spot() > 0)).all()
    assert (replaced(random_image, blurred(random_image), order, 1.0) == blurred(random_image)).all()


def test_curves_are_those_of_images_changed_pixel_by_pixel() -> None:
    fill, order = blurred(random_image), by_heatmap(spot(), np.random.default_rng(0))
    deletion, insertion = deletion_and_insertion(random_image, {"map": order}, brightness_there)["map"]
    for place, fraction in enumerate(FRACTIONS):
        removed, inserted = random_image.copy(), fill.copy()
        for pixel in order[: round(fraction * SIDE * SIDE)]:
            row, column = divmod(int(pixel), SIDE)
            removed[:, row, column] = fill[:, row, column]
            inserted[:, row, column] = random_image[:, row, column]
        assert deletion[place] == pytest.approx(brightness_there(removed[None])[0], abs=1e-6)
        assert insertion[place] == pytest.approx(brightness_there(inserted[None])[0], abs=1e-6)


def test_a_map_of_what_the_model_looks_at_beats_chance_and_one_of_anything_else_does_not() -> None:
    image = np.zeros((3, SIDE, SIDE), np.float32)
    image[:, 2:6, 2:6] = 1
    random = np.random.default_rng(0)
    orders = {
        "right": by_heatmap(spot(), random),
        "wrong": by_heatmap(spot()[::-1, ::-1], random),
        "random": at_random(SIDE, random),
        "opposite": by_heatmap(-spot(), random),
    }
    curves = deletion_and_insertion(image, orders, brightness_there)
    deletion = {name: area(pair[0]) for name, pair in curves.items()}
    insertion = {name: area(pair[1]) for name, pair in curves.items()}
    assert deletion["right"] < min(deletion["random"], deletion["wrong"]) < deletion["opposite"]
    assert insertion["right"] > max(insertion["random"], insertion["wrong"]) > insertion["opposite"]
    for pair in curves.values():
        assert pair[0][0] == pair[1][-1] == brightness_there(image[None])[0]
        assert pair[0][-1] == pair[1][0]


def test_the_area_is_exact_for_a_line_and_close_for_a_curve() -> None:
    fractions = np.array(FRACTIONS)
    assert area(3 - 2 * fractions) == pytest.approx(2)
    assert area(np.exp(-3 * fractions)) == pytest.approx((1 - math.exp(-3)) / 3, rel=0.01)


# -------------------------------------------------------------------------------------------------------------- means


def test_a_mean_has_an_interval_over_groups_and_leaves_out_what_is_not_defined() -> None:
    values = np.array([0.1, 0.3, 0.8, np.nan, 0.4])
    groups = np.array([7, 7, 2, 9, 5])
    found = mean_over_images(values, groups)
    assert (found["value"], found["n"]) == (pytest.approx(0.4), 4)
    sums, sizes = np.array([0.8, 0.4, 0.4]), np.array([1, 1, 2])  # groups 2, 5 and 7
    times = drawn(3, SEED)
    assert found["interval"] == pytest.approx(np.percentile((times @ sums) / (times @ sizes), (2.5, 97.5)))
    assert mean_over_images(values[:2], groups[:2])["interval"] is None
    assert mean_over_images(values[3:4], groups[3:4]) == {"value": None, "interval": None, "n": 0}


# --------------------------------------------------------------------------------------------------------- similarity


def test_similarity_is_spearmans_and_not_defined_for_an_empty_map() -> None:
    first = spot() + 0.01 * np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    assert similarity(first, first**3) == pytest.approx(1)
    assert similarity(first, -first) == pytest.approx(-1)
    assert math.isnan(similarity(first, np.zeros_like(first)))
    maps = list(np.random.default_rng(0).random((4, 6, 6)).round(1))
    expected = [[spearmanr(one.ravel(), other.ravel()).statistic for other in maps] for one in maps]
    np.testing.assert_allclose(rank_correlations(maps), expected, atol=1e-12)


def test_maps_are_compared_within_and_between_classes_but_not_within_a_patient() -> None:
    random = np.random.default_rng(1)
    maps = [random.random((5, 5)) + (number < 4) * np.eye(5) for number in range(8)]
    maps.append(np.zeros((5, 5)))  # empty: left out
    labels = ["a"] * 4 + ["b"] * 4 + ["a"]
    groups = np.array([0, 0, 1, 2, 3, 4, 4, 5, 6])
    found = class_similarity(maps, labels, groups)
    pairs = {"within": [], "between": [], "a": [], "b": []}
    for one in range(8):
        for other in range(one):
            if groups[one] == groups[other]:
                continue
            value = spearmanr(maps[one].ravel(), maps[other].ravel()).statistic
            pairs["within" if labels[one] == labels[other] else "between"].append(value)
            if labels[one] == labels[other]:
                pairs[labels[one]].append(value)
    for name in ("within", "between"):
        assert found[name]["value"] == pytest.approx(np.mean(pairs[name]))
        low, high = found[name]["interval"]
        assert low < found[name]["value"] < high
    assert found["difference"]["value"] == pytest.approx(np.mean(pairs["within"]) - np.mean(pairs["between"]))
    assert {name: each["value"] for name, each in found["per_class"].items()} == {
        name: pytest.approx(np.mean(pairs[name])) for name in "ab"
    }
    assert [found[name]["n"] for name in ("within", "between")] == [8, 8]


def test_the_interval_of_a_similarity_is_that_of_pairs_drawn_one_by_one() -> None:
    maps = list(np.random.default_rng(1).random((4, 5, 5)))
    found = class_similarity(maps, ["a"] * 4, np.arange(4))["within"]
    correlations, draws = rank_correlations(maps), []
    for times in drawn(4, SEED):
        chosen = np.repeat(np.arange(4), times)
        values = [correlations[one, other] for one in chosen for other in chosen if one != other]
        draws.append(np.mean(values) if values else np.nan)
    assert found["interval"] == pytest.approx(np.nanpercentile(draws, (2.5, 97.5)))


def test_a_class_without_pairs_is_not_defined() -> None:
    maps = list(np.random.default_rng(1).random((3, 5, 5)))
    found = class_similarity(maps, ["a", "a", "b"], np.array([0, 0, 1]))
    assert found["within"] == {"value": None, "interval": None, "n": 0}
    assert found["between"]["n"] == 3
    assert found["difference"]["value"] is None
    assert class_similarity([], [], np.array([], int))["between"] == {"value": None, "interval": None, "n": 0}


# ------------------------------------------------------------------------------------------------- sample and storage


def test_a_sample_depends_on_the_seed_and_not_on_the_order_of_the_rows() -> None:
    split = pd.DataFrame({"path": [f"{number:02d}" for number in range(30)], "label": "a", "group": "", "twin": ""})
    split["sha256"] = split["path"]
    split["split"] = ["train", "valid", "test"] * 10
    split.loc[[2, 5], "group"] = "patient"
    rows = held_out_images(split)
    assert rows["path"].tolist() == split.loc[split["split"] == "test", "path"].tolist()
    assert rows["group_number"].nunique() == 9
    sample = drawn_sample(rows, 4)
    assert sample.equals(drawn_sample(rows[::-1], 4))
    assert sample["path"].is_monotonic_increasing
    assert not sample.equals(drawn_sample(rows, 4, seed=1))
    assert len(drawn_sample(rows, 99)) == 10
    assert len(held_out_images(split[split["split"] != "test"])) == 10


def test_files_of_version_1_are_read_and_newer_ones_are_refused() -> None:
    old = {
        "slices": 4, "hits": 3, "pointing_game": 0.75, "interval": [0.3, 0.95], "chance": 0.1, "energy_inside": 0.2,
        "energy_ratio": 2.0, "empty": 0, "method": "grad-cam", "stage": 4, "layer": "layer4",
    }  # fmt: skip
    found = read_heatmaps(old)
    assert found == stored_heatmaps({**old, "interval": (0.3, 0.95)})
    assert read_heatmaps(json.loads(json.dumps(found))) == found
    with pytest.raises(RunError, match="schema 3, and this brainseg reads up to 2: install a newer brainseg"):
        read_heatmaps({"schema": 3})
    with pytest.raises(ValueError, match="slices"):
        read_heatmaps({"hits": 3})
