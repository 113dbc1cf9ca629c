"""Copies that were planted, kind by kind, and what is no copy although it looks much like one."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from brainseg.datasets.near_alignment import place_on
from brainseg.datasets.near_copies import near_pairs, thumbnail
from brainseg.datasets.near_detail import detail, tile_likeness
from brainseg.datasets.near_landmarks import landmarks
from brainseg.datasets.near_search import compare
from brainseg.datasets.near_turns import BY_ANGLE, TURNS
from brainseg.scans import read_scan
from tests.datasets.test_near_copies import brain


def cropped(image):
    wide, high = image.size
    return image.crop((int(0.1 * wide), int(0.03 * high), int(0.94 * wide), int(0.92 * high)))


def as_jpeg(image):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    return Image.open(stream).convert("RGB")


def shifted(image):
    return image.transform(image.size, Image.Transform.AFFINE, (1, 0, -7, 0, 1, 5), fillcolor=image.getpixel((0, 0)))


def written(image):
    image = image.copy()
    ImageDraw.Draw(image).text((4, 2), "R 12:30", fill=(255, 255, 255), font_size=image.size[1] / 18)
    return image


def scaled(image, factor):
    return image.resize([round(factor * side) for side in image.size], Image.Resampling.BOX)


def mirrored(image):
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


KINDS = {
    "90 %": lambda image: scaled(image, 0.9),
    "50 %": lambda image: scaled(image, 0.5),
    "JPEG": as_jpeg,
    "mirrored": mirrored,
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "shifted": shifted,
    "cropped": cropped,
    "brighter": lambda image: image.point(lambda value: 15 + 1.2 * value),
    "gamma": lambda image: image.point(lambda value: 255 * (value / 255) ** 0.8),
    "text": written,
    "cropped, JPEG": lambda image: as_jpeg(cropped(image)),
    "cropped, mirrored": lambda image: mirrored(cropped(image)),
    "cropped, turned": lambda image: cropped(image).transpose(Image.Transpose.TRANSPOSE),
    "cropped, 90 %, JPEG": lambda image: as_jpeg(scaled(cropped(image), 0.9)),
    "cropped, brighter": lambda image: cropped(image).point(lambda value: 10 + 1.1 * value),
    "shifted, text, JPEG": lambda image: as_jpeg(written(shifted(image))),
}


def table_of(images, groups=None):
    names = [f"{number:03d}" for number in range(len(images))]
    thumbnails = [thumbnail(np.array(image.convert("RGB"))) for image in images]
    return pd.DataFrame({"path": names, "sha256": names, "group": groups or "", "thumbnail": thumbnails})


@pytest.fixture(scope="module")
def slices(phantom_slices):
    return [Image.fromarray(read_scan(file).pixels) for file in phantom_slices[::2]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_planted_copies_of_synthetic_slices_are_found_and_nothing_else(slices, kind):
    copies = [KINDS[kind](image) for image in slices[:6]]
    pairs = near_pairs(table_of(slices + copies))
    assert [(pair.first, pair.second) for pair in pairs] == [(f"{n:03d}", f"{n + len(slices):03d}") for n in range(6)]
    assert {pair.mirrored for pair in pairs} == {"mirrored" in kind or "turned" in kind}
    if kind.startswith(("cropped", "shifted")):
        assert all(pair.aligned for pair in pairs)


@pytest.mark.slow
def test_slices_with_one_outline_and_different_noise_are_no_copies():
    images = [brain(2 * seed) for seed in range(16)]  # without tumours: only texture and noise differ
    pairs = near_pairs(table_of([*images, *map(cropped, images[:8])]))
    assert all(int(pair.second) - int(pair.first) == 16 for pair in pairs)
    pairs = near_pairs(table_of([*images, *[scaled(image, 0.9) for image in images[:4]]]))
    assert [int(pair.second) - int(pair.first) for pair in pairs] == [16] * 4


def test_a_cropped_copy_of_one_patient_is_found_if_nothing_else_changed(slices):
    pairs = near_pairs(table_of([*slices, cropped(slices[0]), cropped(slices[3])], "one"))
    assert {(pair.first, pair.second) for pair in pairs} <= {("000", "012"), ("003", "013")}
    assert pairs


def test_images_that_show_nothing_are_no_copies():
    blank = [Image.new("L", (50, 50), level) for level in (0, 7, 7)]
    assert near_pairs(table_of(blank)) == []


def test_files_with_the_same_bytes_are_in_the_same_pairs(slices):
    table = table_of([slices[0], slices[1], cropped(slices[0]), slices[0], cropped(slices[0])])
    table["sha256"] = ["a", "b", "c", "a", "c"]
    pairs = {(pair.first, pair.second) for pair in near_pairs(table)}
    assert pairs == {("000", "002"), ("000", "004"), ("002", "003"), ("003", "004")}


def test_the_order_of_the_images_does_not_change_what_is_found(slices):
    images = [*slices, *map(cropped, slices)]
    thumbnails = np.stack(table_of(images)["thumbnail"].to_list())
    whole = np.concatenate(list(compare(thumbnails, np.arange(24), -1 - np.arange(24))))
    again = np.concatenate(list(compare(thumbnails[::-1], np.arange(24), -1 - np.arange(24))))
    assert {tuple(pair) for pair in whole[:, :2]} == {tuple(sorted(23 - pair)) for pair in again[:, :2]}


def test_turns_move_points_as_they_move_pixels():
    image = np.zeros((5, 5))
    image[1, 3] = 1  # x = 1, y = -1 from the middle
    for turn in TURNS:
        (row,), (column,) = np.nonzero(turn.of(image))
        assert (turn.matrix @ (1, -1)).tolist() == [column - 2, row - 2]
        assert np.array_equal(turn.inverse.of(turn.of(image)), image)
    assert sorted(BY_ANGLE.ravel().tolist()) == list(range(8))


def test_landmarks_of_a_turned_image_are_those_of_the_image(slices):
    small = table_of(slices[:1])["thumbnail"][0]
    for turn in TURNS:
        both = landmarks(np.stack([small, turn.of(small)]), np.arange(2))
        first, second = both.owner == 0, both.owner == 1
        moved = both.place[first] @ turn.matrix.T
        found = [np.abs(both.place[second] - place).max(axis=1).min() < 0.02 for place in moved]
        assert np.mean(found) > 0.8
        alike = both.description[first] @ both.description[second].T
        assert np.mean(alike.max(axis=1) > 0.9) > 0.6


def test_a_placement_ignores_landmarks_that_do_not_agree():
    random = np.random.default_rng(0)
    ours = random.uniform(-0.4, 0.4, (12, 2))
    theirs = ours * (1.2, 0.9) + (0.05, -0.03)
    theirs[:4] = random.uniform(-0.4, 0.4, (4, 2))
    scale, shift = place_on(ours, theirs)
    assert scale == pytest.approx((1.2, 0.9), abs=0.02)
    assert shift == pytest.approx((0.05, -0.03), abs=0.01)
    assert place_on(ours[:2], theirs[:2]) is None
    assert place_on(ours, random.uniform(-0.4, 0.4, (12, 2)) * 4) is None


def test_the_likeness_of_tiles_agrees_with_a_plain_calculation():
    random = np.random.default_rng(1)
    ours, theirs = random.normal(size=(2, 64, 64)).astype(np.float32)
    theirs[:, 16:] = ours[:, 16:]  # a quarter of all tiles differs
    tiles = [
        (slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8)) for row in range(8) for column in range(8)
    ]
    single = np.array(
        [(ours[t] * theirs[t]).sum() / np.sqrt((ours[t] ** 2).sum() * (theirs[t] ** 2).sum()) for t in tiles]
    )
    mean, quartile = tile_likeness(ours, theirs, np.ones((64, 64), dtype=bool))
    assert quartile == pytest.approx(np.quantile(single, 0.25), abs=1e-5)
    assert single.mean() < mean < 1  # the tiles that differ most are left out
    assert tile_likeness(ours, ours, np.ones((64, 64), dtype=bool)) == pytest.approx((1, 1))
    assert tile_likeness(ours, theirs, np.zeros((64, 64), dtype=bool)) == (0, 0)
    assert not detail(np.full((64, 64), 7, dtype=np.uint8)).any()


@pytest.mark.data
def test_lgg_planted_copies_are_found_and_no_slices_of_different_patients_or_neighbours(shared):
    """Uses five slices of each of 12 patients, to take only seconds."""
    root = shared / "data" / "lgg_pairs"
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table = (
        table[table["group"].isin(sorted(set(table["group"]))[::5])].groupby("group").head(11).reset_index(drop=True)
    )
    images = [Image.fromarray(read_scan(root / path).pixels) for path in table["path"]]
    sources = table.groupby("group").nth(8).index[: len(table)].tolist()
    copies = [list(KINDS.values())[number % len(KINDS)](images[row]) for number, row in enumerate(sources)]
    pairs = near_pairs(table_of(images + copies, table["group"].tolist() + [""] * len(copies)))
    planted = {(f"{row:03d}", f"{len(images) + number:03d}") for number, row in enumerate(sources)}
    found = {(pair.first, pair.second) for pair in pairs}
    assert len(planted) == 12
    assert len(found & planted) >= 11
    # A neighbour may resemble the copy, whose patient is not known; but no two slices of the set are a pair.
    assert [pair for pair in found if int(pair[1]) < len(images)] == []
