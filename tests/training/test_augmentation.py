from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, functional

from brainseg.config import AugmentationConfig
from brainseg.training.augmentation import Change, change_image, draw, make_augmentation, move

NONE = {"rotate": 0, "translate": 0, "scale": 0, "flip": False, "brightness": 0, "contrast": 0}


def batch() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def labels(count: int = 6) -> np.ndarray:
    return np.arange(count)


def smooth_image(size: int = 48) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    channels = [np.sin(x / 6 + k) * np.cos(y / 7 - k) for k in range(3)]
    return ((np.stack(channels, axis=2) + 1) * 100).astype(np.uint8)


def test_nothing_asked_for_changes_nothing() -> None:
    images, targets = make_augmentation(AugmentationConfig(**NONE))(batch(), labels())
    assert np.array_equal(images, batch())
    assert np.array_equal(targets, labels())


def test_every_image_gets_its_own_draw_from_torchs_seed() -> None:
    same = batch()[:1].repeat(6, axis=0)
    change = make_augmentation(AugmentationConfig())
    torch.manual_seed(3)
    first, targets = change(same, labels())
    torch.manual_seed(3)
    assert np.array_equal(change(same, labels())[0], first)
    assert np.array_equal(targets, labels())
    assert not np.array_equal(first[0], first[1])
    assert first.dtype == np.uint8
    assert first.shape == same.shape


@pytest.mark.parametrize(
    "change",
    [
        Change(angle=30),
        Change(scale=1.2),
        Change(shift=(5, -3)),
        Change(flip=True),
        Change(flip=True, angle=-20, shift=(4, 7), scale=0.8),
    ],
)
def test_images_and_masks_move_as_in_torchvision(change: Change) -> None:
    image = smooth_image()
    mask = (image[..., 0] > 100).astype(np.uint8)
    pixels = torch.from_numpy(np.concatenate([image, mask[..., None]], axis=2)).permute(2, 0, 1)
    if change.flip:
        pixels = functional.horizontal_flip(pixels)
    expected = [
        functional.affine(part, change.angle, list(change.shift), change.scale, [0.0, 0.0], interpolation=how)
        for part, how in ((pixels[:3], InterpolationMode.BILINEAR), (pixels[3:], InterpolationMode.NEAREST))
    ]
    moved = move(image, change, 1).astype(int)
    assert np.abs(moved - expected[0].permute(1, 2, 0).numpy()).max() <= 1
    assert (move(mask, change, 0) != expected[1][0].numpy()).mean() < 0.01


def test_grey_levels_change_as_in_torchvision() -> None:
    image = smooth_image() // 2 + 40  # far from black and white, where torchvision's two steps cut off twice
    pixels = torch.from_numpy(image).permute(2, 0, 1)
    expected = functional.adjust_contrast(functional.adjust_brightness(pixels, 1.1), 0.8)
    changed = change_image(image, Change(brightness=1.1, contrast=0.8)).astype(int)
    assert np.abs(changed - expected.permute(1, 2, 0).numpy()).max() <= 2


def test_draws_fill_their_ranges() -> None:
    torch.manual_seed(0)
    config = AugmentationConfig(rotate=10, translate=0.1, scale=0.2, brightness=0.3, contrast=0.4)
    changes = draw(config, 2000, 100)
    for values, least, most in (
        ([change.angle for change in changes], -10, 10),
        ([change.shift[0] for change in changes], -10, 10),
        ([change.shift[1] for change in changes], -10, 10),
        ([change.scale for change in changes], 0.8, 1.2),
        ([change.brightness for change in changes], 0.7, 1.3),
        ([change.contrast for change in changes], 0.6, 1.4),
    ):
        assert least <= min(values) < least + 0.03 * (most - least)
        assert most - 0.03 * (most - least) < max(values) <= most
        assert np.mean(values) == pytest.approx((least + most) / 2, abs=0.03 * (most - least))
    assert 900 < sum(change.flip for change in changes) < 1100
    assert {type(change.shift[0]) for change in changes} == {int}


def test_a_flip_is_left_and_right() -> None:
    change = make_augmentation(AugmentationConfig(**{**NONE, "flip": True}))
    changed, _ = change(batch(), labels())
    same = [np.array_equal(new, old) for new, old in zip(changed, batch(), strict=True)]
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(changed, batch(), strict=True)]
    assert all(one != other for one, other in zip(same, mirrored, strict=True))


def test_brightness_stays_within_its_range() -> None:
    change = make_augmentation(AugmentationConfig(**{**NONE, "brightness": 0.1}))
    grey = np.full((20, 8, 8, 3), 100, dtype=np.uint8)
    levels = change(grey, labels(20))[0].mean(axis=(1, 2, 3))
    assert levels.min() >= 89
    assert levels.max() <= 111
    assert len(np.unique(levels)) > 5


def test_a_mask_moves_with_its_image_and_keeps_whole_classes() -> None:
    masks = np.zeros((20, 64, 64), dtype=np.uint8)
    masks[:, 20:40, 10:30] = 2
    masks[:, 30:50, 40:60] = 1
    images = np.repeat((masks * 100)[..., None], 3, axis=3)
    change = make_augmentation(AugmentationConfig(rotate=30, scale=0.3, translate=0.2, brightness=0, contrast=0))
    moved, targets = change(images, masks)
    assert targets.dtype == np.uint8
    assert set(np.unique(targets)) == {0, 1, 2}
    assert sum(not np.array_equal(new, old) for new, old in zip(targets, masks, strict=True)) == 20
    # Bilinear images and nearest masks differ along outlines only.
    assert ((moved[..., 0] / 100).round() == targets).mean() > 0.97


def test_colours_leave_masks_alone() -> None:
    masks = np.random.default_rng(0).integers(0, 3, (6, 32, 32), dtype=np.uint8)
    change = make_augmentation(AugmentationConfig(**{**NONE, "brightness": 0.5, "contrast": 0.5}))
    images, targets = change(batch(), masks)
    assert np.array_equal(targets, masks)
    assert not np.array_equal(images, batch())
