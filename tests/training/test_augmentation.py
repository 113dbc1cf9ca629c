from __future__ import annotations

import torch

from brainseg.config import AugmentationConfig
from brainseg.training.augmentation import make_augmentation

NONE = {"rotate": 0, "translate": 0, "scale": 0, "flip": False, "brightness": 0, "contrast": 0}


def batch() -> torch.Tensor:
    return torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def labels(count: int = 6) -> torch.Tensor:
    return torch.arange(count)


def test_nothing_asked_for_changes_nothing() -> None:
    images, targets = make_augmentation(AugmentationConfig(**NONE))(batch(), labels())
    assert images.equal(batch())
    assert targets.equal(labels())


def test_every_image_gets_its_own_draw_from_torchs_seed() -> None:
    same = batch()[:1].repeat(6, 1, 1, 1)
    change = make_augmentation(AugmentationConfig())
    torch.manual_seed(3)
    first, targets = change(same, labels())
    torch.manual_seed(3)
    assert change(same, labels())[0].equal(first)
    assert targets.equal(labels())
    assert not first[0].equal(first[1])
    assert first.dtype == torch.uint8
    assert first.shape == same.shape


def test_a_flip_is_left_and_right() -> None:
    change = make_augmentation(AugmentationConfig(**{**NONE, "flip": True}))
    changed, _ = change(batch(), labels())
    assert all(new.equal(old) or new.equal(old.flip(2)) for new, old in zip(changed, batch(), strict=True))


def test_brightness_stays_within_its_range() -> None:
    change = make_augmentation(AugmentationConfig(**{**NONE, "brightness": 0.1}))
    grey = torch.full((20, 3, 8, 8), 100, dtype=torch.uint8)
    levels = change(grey, labels(20))[0].float().mean((1, 2, 3))
    assert levels.min() >= 89
    assert levels.max() <= 111
    assert levels.unique().numel() > 5


def test_a_mask_moves_with_its_image_and_keeps_whole_classes() -> None:
    masks = torch.zeros((20, 64, 64), dtype=torch.uint8)
    masks[:, 20:40, 10:30] = 2
    masks[:, 30:50, 40:60] = 1
    images = (masks * 100)[:, None].expand(-1, 3, -1, -1).contiguous()
    change = make_augmentation(AugmentationConfig(rotate=30, scale=0.3, translate=0.2, brightness=0, contrast=0))
    moved, targets = change(images, masks)
    assert targets.dtype == torch.uint8
    assert type(targets) is torch.Tensor
    assert set(targets.unique().tolist()) == {0, 1, 2}
    assert sum(not new.equal(old) for new, old in zip(targets, masks, strict=True)) == 20
    # Bilinear images and nearest masks differ along outlines only.
    nearest = (moved[:, 0].float() / 100).round()
    assert (nearest == targets).float().mean() > 0.97


def test_colours_leave_masks_alone() -> None:
    masks = torch.randint(0, 3, (6, 32, 32), dtype=torch.uint8)
    change = make_augmentation(AugmentationConfig(**{**NONE, "brightness": 0.5, "contrast": 0.5}))
    images, targets = change(batch(), masks)
    assert targets.equal(masks)
    assert not images.equal(batch())
