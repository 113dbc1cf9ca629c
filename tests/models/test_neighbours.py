"""Similar training images against scikit-learn's search, and what a damaged file gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.neighbors import NearestNeighbors

from brainseg.models.neighbours import NEIGHBOURS, Neighbours, load_neighbours

ROWS = np.arange(0, 120, 3)


@pytest.fixture
def features() -> np.ndarray:
    values = np.random.default_rng(0).normal(3, 1, (len(ROWS), 16)) * np.linspace(0.1, 20, 16)
    values[:, 0] = 5.0  # a feature that never varies
    return values


def test_the_nearest_are_those_of_scikit_learn(features):
    found = Neighbours.of(features, ROWS)
    queries = np.random.default_rng(1).normal(3, 1, (5, 16)) * np.linspace(0.1, 20, 16)
    queries[:, 0] = 5.0
    reference = NearestNeighbors(n_neighbors=4, metric="cosine").fit((features - found.mean) / found.scale)
    distances, places = reference.kneighbors((queries - found.mean) / found.scale)
    for query, expected, near in zip(queries, distances, places, strict=True):
        rows, similarities = zip(*found.nearest(query, 4), strict=True)
        assert list(rows) == ROWS[near].tolist()
        np.testing.assert_allclose(similarities, 1 - expected, atol=2e-3)


def test_an_image_is_most_similar_to_itself(features):
    found = Neighbours.of(features, ROWS)
    for row, own in zip(ROWS, features, strict=True):
        (nearest, similarity), *_ = found.nearest(own, 3)
        assert nearest == row
        assert similarity == pytest.approx(1, abs=1e-3)


def test_there_are_never_more_than_were_stored(features):
    assert len(Neighbours.of(features[:2], ROWS[:2]).nearest(features[0], 5)) == 2


def test_what_is_stored_gives_the_same_neighbours(features, tmp_path: Path):
    found = Neighbours.of(features, ROWS)
    found.save(tmp_path)
    assert load_neighbours(tmp_path / NEIGHBOURS).nearest(features[7], 5) == found.nearest(features[7], 5)


def test_features_of_another_network_are_refused(features):
    with pytest.raises(ValueError, match="shape"):
        Neighbours.of(features, ROWS).nearest(np.zeros(8), 5)


@pytest.mark.parametrize("harm", ["cut", "rows", "width", "nan", "missing"])
def test_a_damaged_file_is_refused(features, tmp_path: Path, harm: str):
    Neighbours.of(features, ROWS).save(tmp_path)
    file = tmp_path / NEIGHBOURS
    tensors = load_file(file)
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:100])
    else:
        changed = {
            "rows": {"rows": tensors["rows"][1:]},
            "width": {"scale": tensors["scale"][1:]},
            "nan": {"mean": tensors["mean"] * np.float32(np.nan)},
            "missing": {},
        }[harm]
        kept = {name: value for name, value in tensors.items() if harm != "missing" or name != "mean"}
        save_file({**kept, **changed}, file)
    with pytest.raises(ValueError, match="holds"):
        load_neighbours(file)
