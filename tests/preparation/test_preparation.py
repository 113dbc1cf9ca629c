from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import cv2
import numpy as np
import pytest

from brainseg.config import PreparationConfig
from brainseg.preparation import Geometry, find_geometry, head_box, prepare

STEPS = [
    {"crop": crop, "denoise": denoise, "contrast": contrast, "resize": resize}
    for crop, denoise, contrast, resize in product(
        (True, False), ("none", "median", "non-local-means"), ("none", "clahe", "stretch"), ("pad", "squash")
    )
]


def names(steps: dict[str, object]) -> str:
    return "-".join(str(value) for value in steps.values())


def draw_head(
    height: int, width: int, box: tuple[int, int, int, int] | None = None, noise: float = 2.0
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A bright oval with darker ventricles on a faintly noisy background; and its (top, left, height, width)."""
    top, left, tall, wide = box or (height // 8, width // 5, height * 3 // 4, width // 2)
    random = np.random.default_rng(height * width)
    image = np.abs(random.normal(0, noise, (height, width)))
    y, x = np.mgrid[:height, :width]
    centre_y, centre_x = top + (tall - 1) / 2, left + (wide - 1) / 2
    away = np.hypot((y - centre_y) / (tall / 2), (x - centre_x) / (wide / 2))
    image = np.where(away <= 1, 120 + random.normal(0, 6, image.shape), image)
    image = np.where(away <= 0.15, 30, image)
    grey = image.clip(0, 255).astype(np.uint8)
    return np.dstack([grey] * 3), (top, left, tall, wide)


def coloured(height: int = 96, width: int = 80) -> np.ndarray:
    """Three channels, each with a different image and different noise."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[:height, :width]
    pictures = 127 + 100 * np.sin(x / 9), 127 + 100 * np.cos(y / 7), np.where((x // 20 + y // 20) % 2, 60, 180)
    channels = [picture + random.normal(0, sigma, x.shape) for picture, sigma in zip(pictures, (4, 8, 12), strict=True)]
    return np.dstack(channels).clip(0, 255).astype(np.uint8)


# ----------------------------------------------------------------------------------------------------- the whole of it


@pytest.mark.parametrize("steps", STEPS, ids=names)
def test_same_pixels_give_the_same_square_and_stay_as_they_are(steps):
    settings = PreparationConfig(size=64, **steps)
    pixels, _ = draw_head(66, 90)
    before = pixels.copy()
    pixels.flags.writeable = False  # as `read_scan` returns them
    first = prepare(pixels, settings)
    assert (first.pixels.shape, first.pixels.dtype) == ((64, 64, 3), np.uint8)
    assert first.pixels.flags.c_contiguous
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: prepare(pixels, settings), range(4)))
    others.append(prepare(np.asfortranarray(pixels), settings))
    others.append(prepare(np.repeat(pixels, 2, axis=0)[::2], settings))
    for other in others:
        np.testing.assert_array_equal(other.pixels, first.pixels)
        assert other.geometry == first.geometry
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("size", [32, 224, 1024])
def test_square_has_the_side_that_was_asked_for(size):
    assert prepare(draw_head(120, 90)[0], PreparationConfig(size=size)).pixels.shape == (size, size, 3)


SMALL = [(1, 1), (2, 1), (1, 90), (3, 500), (7, 9)]


@pytest.mark.parametrize("shape", SMALL, ids=str)
@pytest.mark.parametrize("content", ["black", "white", "noise", "one bright pixel"])
def test_tiny_thin_and_constant_images_come_through_every_step(shape, content):
    pixels = {
        "black": np.zeros((*shape, 3), np.uint8),
        "white": np.full((*shape, 3), 255, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8),
        "one bright pixel": np.zeros((*shape, 3), np.uint8),
    }[content]
    if content == "one bright pixel":
        pixels[shape[0] // 2, shape[1] // 2] = 255
    for steps in STEPS:
        prepared = prepare(pixels, PreparationConfig(size=32, **steps))
        assert prepared.pixels.shape == (32, 32, 3)
        back = prepared.geometry.to_scan(np.ones((32, 32), np.float32))
        assert back.shape == shape
        assert back.max() == 1


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("contrast", ["none", "stretch"])
def test_constant_image_stays_constant(level, contrast):
    settings = PreparationConfig(size=32, contrast=contrast, denoise="median", resize="squash")
    prepared = prepare(np.full((50, 40, 3), level, np.uint8), settings)
    np.testing.assert_array_equal(prepared.pixels, level)
    assert prepared.geometry.box == (0, 0, 50, 40)


# ---------------------------------------------------------------------------------------------------------------- crop


def assert_tight(box: tuple[int, int, int, int], head: tuple[int, int, int, int], slack: int) -> None:
    """The box contains the head (except its outermost pixels) and hardly more."""
    (top, left, tall, wide), (head_top, head_left, head_tall, head_wide) = box, head
    edges = np.array([top, left, top + tall, left + wide])
    wanted = np.array([head_top, head_left, head_top + head_tall, head_left + head_wide])
    assert np.abs(edges - wanted).max() <= slack, (edges, wanted)


SIZES = [(128, 128), (225, 225), (256, 240), (512, 512), (600, 400), (360, 640)]


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_crop_finds_the_head(shape):
    pixels, head = draw_head(*shape)
    assert_tight(head_box(pixels), head, slack=3)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("extra", ["text", "frame", "border", "scale", "cross"])
def test_crop_leaves_text_frames_and_borders_out(shape, extra):
    height, width = shape
    pixels, head = draw_head(height, width, noise=1)
    thin = max(1, min(shape) // 130)
    if extra == "text":
        for text, y in (("R", 0.1), ("JANE DOE 1970", 0.97)):
            place = (width // 60, int(height * y))
            cv2.putText(pixels, text, place, cv2.FONT_HERSHEY_PLAIN, min(shape) / 400, (255,) * 3, thin)
    elif extra == "frame":
        inset = min(shape) // 25
        cv2.rectangle(pixels, (inset, inset), (width - inset, height - inset), (255,) * 3, thin)
    elif extra == "border":
        cv2.rectangle(pixels, (0, 0), (width - 1, height - 1), (255,) * 3, thin)
    elif extra == "scale":
        pixels[height // 10 : height * 9 // 10, width - width // 20 : width - width // 20 + thin] = 255
    else:
        cv2.line(pixels, (0, height // 40), (width, height // 40), (255,) * 3, thin)
        cv2.line(pixels, (width // 30, 0), (width // 30, height), (255,) * 3, thin)
    # Bright lettering raises the threshold for the head, so the oval's blurred rim may not count.
    assert_tight(head_box(pixels), head, slack=3)


@pytest.mark.parametrize("margin", [4, 12, 40])
def test_head_is_whole_inside_the_crop_of_a_screenshot_with_white_margins(margin):
    pixels, head = draw_head(200, 200)
    shot = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
    top, left, tall, wide = head_box(shot)
    assert top <= head[0] + margin + 2
    assert left <= head[1] + margin + 2
    assert top + tall >= head[0] + head[2] + margin - 2
    assert left + wide >= head[1] + head[3] + margin - 2


@pytest.mark.parametrize("shape", [(64, 64), (200, 300)])
@pytest.mark.parametrize("content", ["black", "white", "noise", "specks"])
def test_image_without_a_head_is_not_cropped(shape, content):
    random = np.random.default_rng(1)
    pixels = np.zeros((*shape, 3), np.uint8)
    if content == "white":
        pixels[:] = 255
    elif content == "noise":
        pixels = random.integers(60, 256, pixels.shape).astype(np.uint8)
    elif content == "specks":
        pixels[10:14, 10:14] = pixels[40:44, 30:34] = 255
    assert head_box(pixels) == (0, 0, *shape)


def test_head_is_found_in_whichever_channel_shows_it():
    pixels, head = draw_head(200, 160)
    for channel in range(3):
        alone = np.zeros_like(pixels)
        alone[..., channel] = pixels[..., channel]
        assert_tight(head_box(alone), head, slack=3)


def test_cropped_head_fills_the_square():
    pixels, _ = draw_head(400, 400)
    filled = [(prepare(pixels, PreparationConfig(size=64, crop=crop)).pixels > 60).mean() for crop in (True, False)]
    assert filled[0] > 1.7 * filled[1]


# --------------------------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("steps", STEPS, ids=names)
def test_each_channel_is_worked_on_alone(steps):
    """Channels may be different sequences: no channel may affect another."""
    settings = PreparationConfig(size=64, **{**steps, "crop": False})
    pixels = coloured()
    whole = prepare(pixels, settings).pixels
    turned = prepare(np.ascontiguousarray(pixels[..., ::-1]), settings).pixels
    np.testing.assert_array_equal(turned[..., ::-1], whole)
    for channel in range(3):
        alone = np.dstack([pixels[..., channel]] * 3)
        np.testing.assert_array_equal(prepare(alone, settings).pixels[..., 0], whole[..., channel])


@pytest.mark.parametrize("denoise", ["median", "non-local-means"])
def test_denoising_takes_noise_away_and_leaves_edges(denoise):
    clean = np.full((64, 64, 3), 60, np.uint8)
    clean[:, 32:] = 180
    random = np.random.default_rng(2)
    noisy = np.dstack([(clean[..., 0] + random.normal(0, 5, (64, 64))).clip(0, 255).astype(np.uint8)] * 3)
    settings = PreparationConfig(size=64, crop=False, denoise=denoise)
    after = prepare(noisy, settings).pixels.astype(int)
    assert np.abs(after - clean).mean() < 0.6 * np.abs(noisy.astype(int) - clean).mean()
    assert (after[:, 36:].mean() - after[:, :28].mean()) > 110


def test_stretch_takes_the_1st_and_99th_percentile_to_the_full_range():
    ramp = np.tile(np.linspace(80, 140, 200).astype(np.uint8), (200, 1))
    pixels = np.dstack([ramp, ramp // 2, np.full_like(ramp, 9)])
    settings = PreparationConfig(size=200, crop=False, contrast="stretch")
    stretched = prepare(pixels, settings).pixels
    for channel in (0, 1):
        assert (stretched[..., channel].min(), stretched[..., channel].max()) == (0, 255)
        assert np.all(np.diff(stretched[100, :, channel].astype(int)) >= 0)
    np.testing.assert_array_equal(stretched[..., 2], 9)  # a constant channel has no range to stretch


def test_clahe_raises_local_contrast():
    pixels, _ = draw_head(128, 128)
    dim = pixels // 4
    spread = {
        contrast: prepare(dim, PreparationConfig(size=128, crop=False, contrast=contrast)).pixels.std()
        for contrast in ("none", "clahe")
    }
    assert spread["clahe"] > 1.3 * spread["none"]


@pytest.mark.parametrize("shape", [(360, 640), (640, 360), (90, 160), (720, 1280), (100, 300), (224, 224), (9, 16)])
def test_pad_keeps_the_proportions_and_squash_fills(shape):
    height, width = shape
    pixels = np.full((height, width, 3), 200, np.uint8)
    padded = prepare(pixels, PreparationConfig(size=96, crop=False))
    top, left, tall, wide = padded.geometry.inner
    assert max(tall, wide) == 96
    assert abs(tall / wide - height / width) <= 1 / min(tall, wide)
    assert abs(2 * top + tall - 96) <= 1
    assert abs(2 * left + wide - 96) <= 1
    filled = padded.pixels[..., 0] > 0
    assert filled[top : top + tall, left : left + wide].all()
    assert filled.sum() == tall * wide
    squashed = prepare(pixels, PreparationConfig(size=96, crop=False, resize="squash"))
    assert squashed.geometry.inner == (0, 0, 96, 96)
    np.testing.assert_array_equal(squashed.pixels, 200)


def test_circle_stays_a_circle_when_padded():
    pixels = np.zeros((180, 320, 3), np.uint8)
    cv2.circle(pixels, (160, 90), 60, (255,) * 3, -1)
    mask = prepare(pixels, PreparationConfig(size=128, crop=False)).pixels[..., 0] > 127
    tall, wide = np.ptp(np.flatnonzero(mask.any(axis=1))), np.ptp(np.flatnonzero(mask.any(axis=0)))
    assert abs(int(tall) - int(wide)) <= 1


def test_shrinking_averages_and_keeps_no_stripes():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 200
    prepared = prepare(stripes, PreparationConfig(size=64, crop=False)).pixels
    np.testing.assert_allclose(prepared, 100, atol=1)


# ------------------------------------------------------------------------------------------------------------ geometry


def centre_of(spot: np.ndarray) -> np.ndarray:
    """(row, column) of a bright spot: the mean position of pixels above half its maximum."""
    return np.argwhere(spot > spot.max() / 2).mean(axis=0)


@pytest.mark.parametrize("steps", STEPS, ids=names)
@pytest.mark.parametrize(("shape", "size"), [((128, 96), 64), ((99, 176), 224)], ids=str)
def test_marked_point_comes_back_to_its_place(steps, shape, size):
    height, width = shape
    pixels, (top, left, tall, wide) = draw_head(height, width)
    y, x = np.mgrid[:height, :width]
    for down, right in ((0.3, 0.3), (0.7, 0.62)):
        place = np.array([top + down * tall, left + right * wide])
        spot = 130 * np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / (2 * 3.0**2))
        marked = pixels.copy()
        marked[..., 0] = (marked[..., 0] + spot).clip(0, 255).astype(np.uint8)
        prepared = prepare(marked, PreparationConfig(size=size, **steps))
        seen = np.maximum(prepared.pixels[..., 0].astype(np.float32) - prepared.pixels[..., 1], 0)
        back = prepared.geometry.to_scan(cv2.GaussianBlur(seen, (3, 3), 0))
        assert (back.shape, back.dtype) == (shape, np.float32)
        assert np.abs(centre_of(back) - place).max() <= 2


@pytest.mark.parametrize("resize", ["pad", "squash"])
def test_nothing_is_laid_outside_the_cropped_part(resize):
    pixels, _ = draw_head(300, 400)
    prepared = prepare(pixels, PreparationConfig(size=96, resize=resize))
    top, left, tall, wide = prepared.geometry.box
    back = prepared.geometry.to_scan(np.ones((96, 96), np.float32))
    assert back.sum() == tall * wide
    assert (back[top : top + tall, left : left + wide] == 1).all()


def test_padding_never_bleeds_into_the_scan():
    geometry = Geometry(scan=(50, 100), box=(0, 0, 50, 100), inner=(24, 0, 48, 96))
    values = np.full((96, 96), 9, np.float32)
    values[24:72] = 1
    np.testing.assert_array_equal(geometry.to_scan(values), 1)


# ---------------------------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("resize", ["pad", "squash"])
@pytest.mark.parametrize("crop", [True, False])
def test_mask_lies_on_the_square_where_its_image_does(crop, resize):
    random = np.random.default_rng(0)
    image = np.zeros((90, 140, 3), np.uint8)
    image[20:75, 30:120] = 120
    mask = np.zeros((90, 140), np.uint8)
    mask[30:55, 60:95] = 2
    image[mask > 0] = 250
    settings = PreparationConfig(size=64, crop=crop, resize=resize)
    prepared = prepare(image, settings)
    square = prepared.geometry.to_square(mask, 64)
    assert (square.shape, square.dtype, set(np.unique(square))) == ((64, 64), np.uint8, {0, 2})
    bright = prepared.pixels[..., 0] > 185
    assert (bright & (square > 0)).sum() / (bright | (square > 0)).sum() > 0.93
    back = prepared.geometry.to_scan((square > 0).astype(np.float32)) > 0.5
    assert 2 * (back & (mask > 0)).sum() / (back.sum() + (mask > 0).sum()) > 0.95
    assert find_geometry(image, settings) == prepared.geometry
    noise = random.integers(0, 21, (90, 140)).astype(np.uint8)
    assert set(np.unique(prepared.geometry.to_square(noise, 64))) <= set(range(21))
