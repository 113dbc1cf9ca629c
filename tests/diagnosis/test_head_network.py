"""The network that tells brain MRI from other pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from brainseg.diagnosis.facts import ENOUGH, image_facts, oddities, reduced
from brainseg.diagnosis.guard import NO_HEAD, appearance
from brainseg.diagnosis.head_network import SIDE, WEIGHTS, head_logit, head_view
from brainseg.phantom import PLANES, make_subject, render_slice


def phantom(plane: str, seed: int, side: int = 128) -> np.ndarray:
    subject = make_subject(
        np.random.SeedSequence(seed), has_tumour=bool(seed % 2), plane=plane, modalities=("T1",), slices=1, size=side
    )
    return np.repeat(render_slice(subject, 0).image[..., None], 3, axis=2)


def logit(pixels: np.ndarray) -> float:
    return head_logit(reduced(pixels))


@pytest.fixture(scope="module")
def heads() -> list[np.ndarray]:
    return [phantom(plane, seed) for plane in PLANES for seed in range(3)]


def oval(photograph: np.ndarray) -> np.ndarray:
    """A part of a photograph in grey in the outline of a head, darker towards it."""
    down, across = np.mgrid[-1:1:240j, -1:1:240j]
    radius = (across / 0.72) ** 2 + (down / 0.85) ** 2
    grey = cv2.resize(cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), (240, 240), interpolation=cv2.INTER_AREA)
    shaded = np.where(radius < 1, grey * np.sqrt((1 - 0.5 * radius).clip(0)), 0)
    return np.repeat(shaded.astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.slow
def test_heads_of_every_plane_are_told_from_what_has_only_their_outline(heads) -> None:
    from sklearn.datasets import load_sample_image

    flower, china = load_sample_image("flower.jpg"), load_sample_image("china.jpg")
    ovals = [oval(photo[top : top + 200, left : left + 200])
             for photo in (flower, china) for top, left in ((0, 0), (100, 200), (200, 400))]  # fmt: skip
    assert sum(logit(head) > 0 for head in heads) >= len(heads) - 1
    assert sum(appearance(head, 0.0)[0] < ENOUGH for head in heads) >= len(heads) - 1
    assert sum(logit(picture) < 0 for picture in ovals) >= len(ovals) - 1
    assert any(NO_HEAD in appearance(picture, 0.0)[1] for picture in ovals)


@pytest.mark.slow
def test_of_what_is_clearly_a_head_only_colours_and_size_count(heads) -> None:
    low = (heads[0] // 16).astype(np.uint8)
    assert oddities(image_facts(low))[0] >= ENOUGH
    assert appearance(low, 0.0) == (0, ())
    tinted = (heads[0] * np.array([1.0, 0.5, 0.1])).astype(np.uint8)
    assert appearance(tinted, 0.0)[1] == ("it has colours",)
    assert appearance(tinted, 0.9) == (0, ())


@pytest.mark.slow
def test_features_within_the_limit_lower_what_the_network_must_say(monkeypatch, heads) -> None:
    from brainseg.diagnosis import guard

    for logit, near, passes in ((-0.5, False, False), (-0.5, True, True), (-1.5, True, False), (0.5, False, True)):
        monkeypatch.setattr(guard, "head_logit", lambda small, logit=logit: logit)
        points, reasons = appearance(heads[0], 0.0, near)
        assert (points < ENOUGH) is passes
        assert (NO_HEAD in reasons) is not passes


@pytest.mark.slow
def test_size_margin_and_brightness_hardly_change_the_logit(heads) -> None:
    head = heads[0]
    for other in (
        np.pad(head, ((30, 10), (40, 20), (0, 0))),
        cv2.resize(head, (256, 256), interpolation=cv2.INTER_LINEAR),
        head // 2,
        np.pad(head, ((20, 20), (40, 40), (0, 0)), constant_values=255),
    ):
        assert logit(other) == pytest.approx(logit(head), abs=1.5)
    margin = head_view(reduced(np.pad(head, ((30, 10), (40, 20), (0, 0)))))
    assert margin.shape == (SIDE, SIDE)
    assert margin.mean() == pytest.approx(head_view(reduced(head)).mean(), rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (64, 64)])
@pytest.mark.parametrize("level", [0, 90, 255])
def test_images_without_anything_are_no_heads(shape: tuple[int, int], level: int) -> None:
    assert logit(np.full((*shape, 3), level, np.uint8)) < 0


@pytest.mark.slow
def test_the_network_is_small_and_answers_the_same_twice(heads) -> None:
    assert WEIGHTS.stat().st_size < 250_000
    assert logit(heads[0]) == logit(heads[0].copy())
