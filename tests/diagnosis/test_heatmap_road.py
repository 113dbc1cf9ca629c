"""ROAD, and why the rest of the grad-cam package's module is not used."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from brainseg.diagnosis.heatmap_checks.orders import at_random, by_heatmap
from brainseg.diagnosis.heatmap_checks.road import REMOVED, filled, road
from tests.diagnosis.test_heatmap_curves import SIDE, brightness_there, random_image, spot

pytestmark = pytest.mark.slow  # the package takes seconds to import

WEIGHTS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12


def test_filled_pixels_are_the_weighted_mean_of_their_neighbours() -> None:
    removed = at_random(SIDE, np.random.default_rng(0))[: int(0.7 * SIDE * SIDE)]
    found = filled(random_image, removed, np.random.default_rng(0), noise=0)
    gone = np.zeros(SIDE * SIDE, bool)
    gone[removed] = True
    gone = gone.reshape(SIDE, SIDE)
    assert (found[:, ~gone] == random_image[:, ~gone]).all()
    inside = np.pad(np.ones((SIDE, SIDE)), 1)
    padded = np.pad(found, ((0, 0), (1, 1), (1, 1)))
    for row, column in np.argwhere(gone):
        window = WEIGHTS * inside[row : row + 3, column : column + 3]
        mean = (padded[:, row : row + 3, column : column + 3] * window).sum(axis=(1, 2)) / window.sum()
        np.testing.assert_allclose(found[:, row, column], mean, atol=1e-5)


def test_filling_is_that_of_the_package_and_the_noise_has_its_size() -> None:
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer

    removed = at_random(SIDE, np.random.default_rng(0))[:200]
    known = torch.ones(SIDE * SIDE)
    known[removed] = 0
    expected = NoisyLinearImputer(noise=0)(torch.from_numpy(random_image), known.reshape(SIDE, SIDE)).numpy()
    found = filled(random_image, removed, np.random.default_rng(0), noise=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    noise = (filled(random_image, removed, np.random.default_rng(0)) - found).reshape(3, -1)[:, removed]
    assert noise.std() == pytest.approx(0.01, rel=0.1)


def test_a_map_of_what_the_model_looks_at_has_a_high_score() -> None:
    image = np.zeros((3, SIDE, SIDE), np.float32)
    image[:, 3:5, 3:5] = 1
    scores = {}
    for name, values in (("right", spot()), ("opposite", -spot())):
        order = by_heatmap(values, np.random.default_rng(0))
        scores[name] = road(image, order, brightness_there, np.random.default_rng(0))
    whole = brightness_there(image[None])[0]
    assert scores["right"] == pytest.approx(whole / 2, abs=0.02), (
        "without the coldest all of it, without the hottest none"
    )
    assert scores["opposite"] == pytest.approx(-whole / 2, abs=0.02)
    draws = [
        road(image, at_random(SIDE, np.random.default_rng(seed)), brightness_there, np.random.default_rng(seed))
        for seed in range(30)
    ]
    assert abs(np.mean(draws)) < 0.02
    assert len(REMOVED) == 4


def test_the_package_removes_every_pixel_of_a_map_that_is_mostly_zero() -> None:
    """The reason for the own ranking: see the docstring of the module."""
    from pytorch_grad_cam.metrics.road import ROADLeastRelevantFirst, ROADMostRelevantFirst

    image, heatmap = torch.from_numpy(random_image), torch.from_numpy(spot().astype(np.float32))
    for percentile in (20, 50, 90):
        removed = [
            (measure(percentile).perturbation(image, heatmap) != image).all(dim=0).float().mean().item()
            for measure in (ROADMostRelevantFirst, ROADLeastRelevantFirst)
        ]
        assert removed == pytest.approx([1, 1 - 16 / SIDE**2]), "neither depends on the percentage"
        own = np.random.default_rng(0)
        places = by_heatmap(spot(), own)[: round((1 - percentile / 100) * SIDE * SIDE)]
        changed = (filled(random_image, places, own) != random_image).all(axis=0)
        assert changed.mean() == pytest.approx(1 - percentile / 100)
