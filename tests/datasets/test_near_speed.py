"""What makes the search for near copies fast never changes what it finds."""

import cv2
import numpy as np
import pytest

from brainseg.datasets import near_frames, near_landmarks
from brainseg.datasets.near_copies import thumbnail
from brainseg.datasets.near_detail import TILES, detail, tile_likeness
from brainseg.datasets.near_frames import ALIKE, Details, same_frame
from brainseg.datasets.near_landmarks import _all_landmarks, landmarks
from brainseg.datasets.near_turns import TURNS
from brainseg.scans import read_scan


@pytest.fixture(scope="module")
def thumbnails(phantom_slices):
    """Real textures, and of each a mirrored copy and one with noise."""
    random = np.random.default_rng(0)
    one = np.stack([thumbnail(read_scan(file).pixels) for file in phantom_slices])
    noisy = np.clip(one + random.normal(0, 3, one.shape), 0, 255).astype(np.uint8)
    return np.concatenate([one, one[:, :, ::-1], noisy])


def unit(images):
    centred = images.astype(np.float64) - images.mean(axis=(1, 2), keepdims=True)
    return centred / np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))


def test_low_frequencies_never_rule_out_a_pair_that_is_alike(thumbnails):
    count = len(thumbnails)
    rows = np.arange(count)
    coarse = unit(thumbnails.reshape(count, 32, 2, 32, 2).mean(axis=(2, 4)))
    low = near_frames._frequencies(thumbnails, rows)
    first, second = (part.ravel() for part in np.mgrid[:count, :count])
    kept = []
    for turn in TURNS:
        turned = near_frames._turned_frequencies(low, turn).reshape(count, -1)
        likely = near_frames._likely(low.reshape(count, -1), turned, first, second)
        alike = (coarse[first] * turn.of(coarse[second])).sum(axis=(1, 2)) >= ALIKE
        assert not (alike & ~likely).any()
        kept.append(likely.mean())
    assert np.mean(kept) < 0.5


def test_low_frequencies_are_those_of_opencv(thumbnails):
    low = near_frames._frequencies(thumbnails, np.arange(3))
    coarse = unit(thumbnails[:3].reshape(3, 32, 2, 32, 2).mean(axis=(2, 4))).astype(np.float32)
    assert np.allclose(low, [cv2.dct(image)[:12, :12] for image in coarse], atol=1e-5)


def test_each_image_is_filtered_once_and_turned_details_are_details_of_turned_images(thumbnails, monkeypatch):
    filtered = []
    monkeypatch.setattr(near_frames, "detail", lambda image: filtered.append(1) or detail(image))
    count = len(thumbnails)
    pairs = [len(first) for first, _, _ in same_frame(thumbnails, -1 - np.arange(count), np.arange(count))]
    assert sum(pairs) > count / 2
    assert len(filtered) <= count
    for turn in TURNS:
        turned = Details(turn.of(thumbnails[:2])).of(np.arange(2))
        assert np.allclose(turned, turn.of(Details(thumbnails).of(np.arange(2))), atol=1e-5)


def test_no_more_details_are_kept_than_allowed(thumbnails, monkeypatch):
    monkeypatch.setattr(near_frames, "_REMEMBERED", 2)
    details = Details(thumbnails)
    whole = Details(thumbnails).of(np.arange(4))
    assert np.array_equal(details.of(np.array([0, 1, 2, 3, 0, 2])), whole[[0, 1, 2, 3, 0, 2]])
    assert len(details._kept) == 2


def test_tiles_agree_with_numpy(thumbnails):
    ours, theirs = detail(thumbnails[0]), detail(thumbnails[1])
    inside = np.ones(ours.shape, dtype=bool)
    inside[:, :13] = False
    both, own, others = (
        (part * inside).astype(np.float64).reshape(TILES, 8, TILES, 8).sum(axis=(1, 3)).ravel()
        for part in (ours * theirs, ours**2, theirs**2)
    )
    weight = np.sqrt(own * others)
    correlation = both / np.maximum(weight, 1e-9)
    order = np.argsort(correlation)
    kept = order[np.cumsum(weight[order]) >= 0.2 * weight.sum()]
    shown = weight > 0.1 * weight[weight > 0].mean()
    expected = np.average(correlation[kept], weights=weight[kept]), np.quantile(correlation[shown], 0.25)
    assert tile_likeness(ours, theirs, inside) == pytest.approx(expected, abs=1e-4)


def test_landmarks_of_the_sample_are_not_computed_again(thumbnails, monkeypatch):
    asked = []
    monkeypatch.setattr(near_landmarks, "landmarks", lambda images, rows: asked.extend(rows) or landmarks(images, rows))
    monkeypatch.setattr(near_landmarks, "_SAMPLED", len(thumbnails) // 3)
    found = _all_landmarks(thumbnails, np.arange(len(thumbnails)))
    assert sorted(asked) == list(range(len(thumbnails)))
    whole = landmarks(thumbnails, np.arange(len(thumbnails)))
    assert np.array_equal(found.owner, whole.owner)
    assert np.array_equal(found.place, whole.place)
