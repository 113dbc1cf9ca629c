"""The guard of a bundle: fitted in a training, stored, and applied to other images."""

from __future__ import annotations

import numpy as np
import pytest

from brainseg.diagnosis.guard import DISTANT, assess
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BundleError
from brainseg.models.bundle import load_bundle
from brainseg.models.guard import GUARD, Features, Guard
from brainseg.scans import read_scan
from brainseg.tasks import task_of
from brainseg.training.guard import fit_features, quantile
from brainseg.training.trainer import train
from tests.bundles import edit
from tests.models.conftest import one_sentence


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """300 features of 40 dimensions, of which 6 vary together."""
    random = np.random.default_rng(0)
    return random.normal(size=(300, 6)) @ random.normal(size=(6, 40)) + random.normal(0, 0.1, (300, 40)) + 3


def test_the_distance_is_that_of_mahalanobis_with_the_shrunk_covariance(samples) -> None:
    from sklearn.covariance import LedoitWolf

    features = fit_features(samples[:200])
    scaled = (samples - features.mean) / features.scale
    exact = LedoitWolf(assume_centered=True).fit(scaled[:200])
    expected = np.sqrt(exact.mahalanobis(scaled))
    np.testing.assert_allclose(features.distance(samples), expected, rtol=1e-3)


def test_few_images_of_many_features_give_finite_distances(samples) -> None:
    features = fit_features(samples[:8])
    inside, outside = features.distance(samples[8:]), features.distance(samples[8:] + 30)
    assert np.isfinite(inside).all()
    assert outside.min() > inside.max()
    same = fit_features(np.ones((8, 4)))
    assert same.distance(np.ones((1, 4)))[0] == 0
    assert same.distance(np.zeros((1, 4)))[0] > 100


@pytest.mark.parametrize(("count", "place"), [(9, 9), (50, 50), (100, 99), (1000, 981)])
def test_the_limit_covers_further_images_as_far_as_the_number_allows(count: int, place: int) -> None:
    assert quantile(np.arange(1.0, count + 1)[::-1], 0.98) == place


def test_a_training_leaves_a_guard_that_knows_its_own_images(config, recorder, tmp_path, tiny_set) -> None:
    bundle = train(task_of(config()), recorder(), tmp_path, "tiny").bundle
    assert (bundle / GUARD).stat().st_size < 400_000
    predictor = Predictor.open(bundle)
    guard = predictor.bundle.guard
    assert guard is not None
    assert not guard.brain_like  # the drawn discs are not MRI slices, so their facts are not used
    assert predictor.diagnose(read_scan(tiny_set / "yes" / "003.png")).in_domain is True
    trained_on = predictor.description.data
    assert (trained_on["dataset"], trained_on["synthetic"]) == ("tiny", False)
    assert trained_on["training_images"] == 28
    assert predictor.description.validation["synthetic"] == 0
    assert str(tmp_path) not in (bundle / "bundle.json").read_text()
    assert str(tiny_set.parent) not in (bundle / "bundle.json").read_text()
    for change in (lambda content: content[:-1], lambda content: content[:-4] + b"\0\0\0\0"):
        whole = (bundle / GUARD).read_bytes()
        (bundle / GUARD).write_bytes(change(whole))
        with pytest.raises(BundleError) as caught:
            load_bundle(bundle)
        assert GUARD in one_sentence(caught.value)
        (bundle / GUARD).write_bytes(whole)
    sha256 = known(True).features.save(bundle)  # for a network with two features
    edit(bundle, lambda values: values["guard"].update(sha256=sha256))
    with pytest.raises(BundleError, match="is damaged"):
        load_bundle(bundle)
    (bundle / GUARD).unlink()
    with pytest.raises(BundleError, match=GUARD):
        load_bundle(bundle)


def known(brain_like: bool, coloured: float = 0.0) -> Guard:
    features = Features(
        np.zeros(2, np.float32), np.ones(2, np.float32), np.eye(2, dtype=np.float32), np.ones(3, np.float32)
    )
    return Guard(features, 1.0, brain_like, coloured)


def test_without_a_guard_nothing_is_claimed() -> None:
    assert assess(None, np.zeros((64, 64, 3), np.uint8), np.zeros(2)).in_domain is None


def test_facts_and_distance_add_up(brain) -> None:
    near, apart, far, very_far = (np.array([value, 0.0]) for value in (0.5, 1.5, 2.5, 9.0))
    assert assess(known(True), brain, near).in_domain is True
    assert assess(known(True), brain, apart).in_domain is True  # brain MRI from another source
    verdict = assess(known(True), brain, very_far)
    assert verdict.in_domain is False
    assert verdict.reasons[-1] == DISTANT
    assert assess(known(True), brain, np.array([np.nan, 0.0])).in_domain is False
    disc = np.zeros((100, 100, 3), np.uint8)
    disc[20:80, 20:80] = 200
    assert assess(known(True), disc, near).in_domain is False
    assert assess(known(False), disc, near).in_domain is True  # the model learnt from such images
    assert assess(known(False), brain, far).reasons == (DISTANT,)
    tinted = brain * np.array([1.0, 0.6, 0.2])
    assert assess(known(True), tinted.astype(np.uint8), apart).in_domain is False
    assert assess(known(True, coloured=0.9), tinted.astype(np.uint8), apart).in_domain is True


def test_colours_that_no_training_image_had_are_told_where_there_is_no_head() -> None:
    from sklearn.datasets import load_sample_image

    flower = load_sample_image("flower.jpg")
    grey = np.repeat(flower.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    near, apart = np.array([0.5, 0.0]), np.array([1.5, 0.0])
    verdict = assess(known(False), flower, near)
    assert verdict.in_domain is False
    assert verdict.reasons == ("it has colours",)
    assert assess(known(False), flower, apart).reasons == ("it has colours", DISTANT)
    assert assess(known(False), grey, apart).in_domain is True
    assert assess(known(False, coloured=0.9), flower, near).in_domain is True  # the model learnt from flowers
    half = flower.copy()
    half[:, half.shape[1] // 3 :] = grey[:, half.shape[1] // 3 :]
    assert assess(known(False), half, near).in_domain is True
    assert assess(known(False), half, apart).in_domain is False
    assert assess(known(False), grey, np.array([np.nan, 0.0])).in_domain is False


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    """A slice of a head, drawn by the phantom."""
    from brainseg.phantom import make_subject, render_slice

    subject = make_subject(
        np.random.SeedSequence(3), has_tumour=False, plane="axial", modalities=("T1ce",), slices=1, size=128
    )
    return np.repeat(render_slice(subject, 0).image[..., None], 3, axis=2)
