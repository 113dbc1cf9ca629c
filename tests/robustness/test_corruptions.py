"""Each corruption against a property or a library that it does not use itself."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import fft, ndimage, stats

from brainseg.errors import ConfigError
from brainseg.robustness import corruptions, mri_changes
from brainseg.robustness.corruptions import CORRUPTIONS, UNTOUCHED, Condition, conditions, image_seed
from tests.conftest import PROJECT_ROOT, draw_slice

SEED = image_seed(3, "ab" * 32)
OTHER = image_seed(3, "cd" * 32)
EVERY = [(name, strength) for name, each in CORRUPTIONS.items() for strength in each.strengths]


def grey(plane: np.ndarray) -> np.ndarray:
    return np.repeat(plane[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    """A slice whose sides differ, (88, 72) uint8."""
    return np.pad(draw_slice(np.random.default_rng(1), tumour=True), ((10, 6), (0, 0)))


def changed(name: str, strength: float, pixels: np.ndarray, seed: tuple[int, int] = SEED) -> np.ndarray:
    return Condition(name, strength).change(pixels, seed)


@pytest.mark.parametrize(("name", "strength"), EVERY)
def test_shape_type_and_grey_are_kept_and_the_same_seed_gives_the_same_bytes(name, strength, plane) -> None:
    pixels = grey(plane)
    pixels.flags.writeable = False  # as those of a scan
    found = changed(name, strength, pixels)
    assert (found.shape, found.dtype) == (pixels.shape, np.uint8)
    assert (found == found[..., :1]).all()
    # The weakest blur has no effect on so few pixels.
    assert (found != pixels).any() or (name, strength) == ("blur", 0.25)
    np.testing.assert_array_equal(found, changed(name, strength, pixels))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_stronger_is_further_from_the_untouched_image(name, plane) -> None:
    pixels = grey(plane).astype(np.float64)
    far = [np.abs(changed(name, strength, grey(plane)) - pixels).mean() for strength in CORRUPTIONS[name].strengths]
    assert far == sorted(far)
    assert far[-1] > 1.5 * far[0]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_three_sequences_in_the_channels_stay_three_sequences(name, plane) -> None:
    pixels = np.dstack([plane, plane[::-1], plane // 2])
    found = changed(name, CORRUPTIONS[name].strengths[1], pixels)
    assert found.shape == pixels.shape
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (found[..., one] != found[..., other]).any()
    before = [np.corrcoef(pixels[..., 0].ravel(), pixels[..., channel].ravel())[0, 1] for channel in range(3)]
    after = [np.corrcoef(found[..., 0].ravel(), found[..., channel].ravel())[0, 1] for channel in range(3)]
    assert np.abs(np.subtract(before, after)).max() < 0.2


@pytest.mark.parametrize("name", ["noise", "bias", "motion"])
def test_another_image_gets_other_random_numbers(name, plane) -> None:
    one, other = (changed(name, CORRUPTIONS[name].strengths[2], grey(plane), seed) for seed in (SEED, OTHER))
    assert (one != other).any()


def test_untouched_is_untouched(plane) -> None:
    assert UNTOUCHED.change(plane, SEED) is plane
    assert UNTOUCHED.move(plane, SEED) is plane
    assert Condition("noise", 20).move(plane, SEED) is plane


def test_noise_has_the_distribution_of_rice() -> None:
    plane = np.zeros((160, 160), np.uint8)
    plane[:, :80] = 150
    found = changed("noise", 8, grey(plane))[..., 0].astype(np.float64)
    sigma = 0.08 * 150
    tissue, air = found[:, :80], found[:, 80:]
    assert tissue.std() == pytest.approx(stats.rice.std(150 / sigma, scale=sigma), rel=0.03)
    assert tissue.mean() == pytest.approx(stats.rice.mean(150 / sigma, scale=sigma), rel=0.01)
    assert air.mean() == pytest.approx(stats.rayleigh.mean(scale=sigma), rel=0.03)
    assert air.std() == pytest.approx(stats.rayleigh.std(scale=sigma), rel=0.03)


def test_a_channel_without_signal_stays_black() -> None:
    pixels = np.dstack([np.full((20, 20), 90, np.uint8), np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)])
    assert not changed("noise", 20, pixels)[..., 1:].any()


@pytest.mark.parametrize("strength", CORRUPTIONS["blur"].strengths)
def test_blur_is_a_gaussian(strength, plane) -> None:
    sigma = strength / 100 * max(plane.shape)
    wanted = ndimage.gaussian_filter(plane.astype(np.float64), sigma, mode="mirror", truncate=5)
    assert np.abs(changed("blur", strength, grey(plane))[..., 0] - wanted).max() <= 1.5


def test_contrast_is_a_power_of_the_levels_in_either_direction() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = set()
    for number in range(12):
        after = changed("contrast", 2, grey(ramp), image_seed(0, f"{number:016x}"))[..., 0]
        assert (after.flat[0], after.flat[255]) == (0, 255)
        middle = slice(60, 200)
        powers = np.log(after.ravel()[middle] / 255) / np.log(ramp.ravel()[middle] / 255)
        assert np.abs(powers / np.median(powers) - 1).max() < 0.05
        found.add(round(float(np.median(powers)), 1))
    assert found == {0.5, 2.0}


@pytest.mark.parametrize("degrees", [*CORRUPTIONS["rotation"].strengths, -12.0])
def test_rotation_is_that_of_scipy(degrees, plane) -> None:
    smooth = ndimage.gaussian_filter(plane.astype(np.float32), 1.5)
    wanted = ndimage.rotate(smooth, degrees, reshape=False, order=1)
    found = corruptions.image_changes.turned(smooth, degrees)
    # The two disagree on the outermost pixels, which are between the image and the black around it.
    inside = ndimage.rotate(np.ones_like(smooth), degrees, reshape=False, order=1) > 0.99
    inside = ndimage.binary_erosion(inside, iterations=2)
    assert np.abs(found - wanted)[inside].max() < 2
    assert np.abs(found - wanted).mean() < 0.3


def test_masks_and_maps_move_with_the_image(plane) -> None:
    mask = (plane == 235).astype(np.uint8) * 2
    for seed in (SEED, OTHER, *(image_seed(0, f"{number:016x}") for number in range(4))):
        condition = Condition("rotation", 20)
        image = condition.change(grey(np.where(mask, 255, 0).astype(np.uint8)), seed)[..., 0] > 127
        moved = condition.move(mask, seed, nearest=True)
        assert set(np.unique(moved)) == {0, 2}
        assert 2 * (image & (moved == 2)).sum() / (image.sum() + (moved == 2).sum()) > 0.95
    assert condition.move(mask.astype(np.float32), seed).dtype == np.float32


def test_a_quarter_turn_moves_every_pixel_to_its_place() -> None:
    square = np.random.default_rng(0).integers(0, 256, (9, 9), dtype=np.uint8)
    for nearest in (False, True):
        np.testing.assert_array_equal(corruptions.image_changes.turned(square, 90, nearest=nearest), np.rot90(square))


@pytest.mark.parametrize("quality", CORRUPTIONS["jpeg"].strengths)
def test_jpeg_is_that_of_another_encoder(quality, plane) -> None:
    _, encoded = cv2.imencode(".jpg", plane, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    wanted = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE).astype(int)
    assert np.abs(changed("jpeg", quality, grey(plane))[..., 0] - wanted).max() <= 2


def test_resolution_averages_blocks(plane) -> None:
    blocks = plane.reshape(44, 2, 36, 2).mean(axis=(1, 3))
    wanted = np.asarray(Image.fromarray(blocks.astype(np.float32)).resize((72, 88), Image.Resampling.BILINEAR))
    assert np.abs(changed("resolution", 50, grey(plane))[..., 0] - wanted).max() <= 2


@pytest.mark.parametrize("percent", [10, 30])
def test_bias_has_the_stated_deviation_and_is_smooth(percent) -> None:
    uniform = np.full((96, 128), 90, np.uint8)
    log = np.log(changed("bias", percent, grey(uniform))[..., 0] / 90)
    assert log.std() == pytest.approx(percent / 100, rel=0.03)
    assert abs(log.mean()) < 0.005
    assert max(np.abs(np.diff(log, axis=axis)).max() for axis in (0, 1)) < 0.05


def test_motion_keeps_the_energy_and_is_a_shift_of_each_line(plane) -> None:
    percent, smooth = 2, (0.8 * ndimage.gaussian_filter(plane.astype(np.float64), 1)).astype(np.uint8)
    for number in range(4):
        found = mri_changes.motion(grey(smooth), percent, np.random.default_rng(number))[..., 0].astype(np.float64)
        assert (found**2).sum() == pytest.approx((smooth.astype(np.float64) ** 2).sum(), rel=0.005)
        draws = np.random.default_rng(number)
        axis, cycles, start = draws.integers(2), draws.uniform(*mri_changes.CYCLES), draws.uniform(0, 2 * np.pi)
        side, lines = smooth.shape[axis], []
        for line, frequency in enumerate(np.argsort(fft.fftfreq(side))):
            shift = percent / 100 * side * np.sin(2 * np.pi * cycles * line / side + start)
            shifts = (shift, 0) if axis == 0 else (0, shift)
            lines.append((frequency, ndimage.fourier_shift(fft.fft2(smooth), shifts).take(frequency, axis)))
        measured = np.stack([values for _, values in sorted(lines, key=lambda each: each[0])], axis)
        assert np.abs(found - np.abs(fft.ifft2(measured))).max() <= 1


def test_an_unknown_corruption_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="no corruption 'rain': choose from noise, blur"):
        conditions(["rain"])
    assert len(conditions([])) == len(EVERY)


@pytest.mark.parametrize("place", ["the code", "docs/explanation/robustness.md"])
def test_the_tables_of_strengths_are_those_of_the_code(place) -> None:
    text = corruptions.__doc__ if place == "the code" else (PROJECT_ROOT / place).read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", text, re.MULTILINE)
    assert {name: tuple(map(float, cells.split(","))) for name, cells in rows} == {
        name: tuple(map(float, each.strengths)) for name, each in CORRUPTIONS.items()
    }
