from __future__ import annotations

import torch

from brainseg.config import AugmentationConfig
from brainseg.training.augmentation import make_augmentation

NONE = {"rotate": 0, "translate": 0, "scale": 0, "flip": False, "brightness": 0, "contrast": 0}


def batch() -> torch.Tensor:
    return torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_nothing_asked_for_changes_nothing() -> None:
    assert make_augmentation(AugmentationConfig(**NONE))(batch()).equal(batch())


def test_every_image_gets_its_own_draw_from_torchs_seed() -> None:
    same = batch()[:1].repeat(6, 1, 1, 1)
    change = make_augmentation(AugmentationConfig())
    torch.manual_seed(3)
    first = change(same)
    torch.manual_seed(3)
    assert change(same).equal(first)
    assert not first[0].equal(first[1])
    assert first.dtype == torch.uint8
    assert first.shape == same.shape


def test_a_flip_is_left_and_right() -> None:
    change = make_augmentation(AugmentationConfig(**{**NONE, "flip": True}))
    changed = change(batch())
    assert all(new.equal(old) or new.equal(old.flip(2)) for new, old in zip(changed, batch(), strict=True))


def test_brightness_stays_within_its_range() -> None:
    change = make_augmentation(AugmentationConfig(**{**NONE, "brightness": 0.1}))
    grey = torch.full((20, 3, 8, 8), 100, dtype=torch.uint8)
    levels = change(grey).float().mean((1, 2, 3))
    assert levels.min() >= 89
    assert levels.max() <= 111
    assert levels.unique().numel() > 5
