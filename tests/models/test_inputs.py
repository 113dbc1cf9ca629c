from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import normalize

from brainseg.models.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN, normalise, to_batch


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)


def test_batch_is_a_view_with_channels_last_in_memory(pixels):
    batch = to_batch(pixels)
    assert batch.shape == (3, 3, 40, 40)
    assert batch.dtype == torch.uint8
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert np.shares_memory(batch.numpy(), pixels)
    assert batch[1, 2, 5, 7] == pixels[1, 5, 7, 2]


def test_imagenet_statistics_are_those_of_torchvision(pixels):
    expected = normalize(to_batch(pixels).float() / 255, IMAGENET_MEAN, IMAGENET_DEVIATION)
    torch.testing.assert_close(normalise(to_batch(pixels), "imagenet"), expected)


@pytest.mark.parametrize("method", ["imagenet", "per-image"])
def test_floats_of_the_same_range_give_the_same_result(method, pixels):
    batch = to_batch(pixels)
    assert torch.equal(normalise(batch, method), normalise(batch.float(), method))
    assert normalise(batch, method).dtype == torch.float32


def test_per_image_gives_each_image_zero_mean_and_unit_spread(pixels):
    pixels[1] //= 8
    values = normalise(to_batch(pixels), "per-image")
    assert values.mean((1, 2, 3)).abs().max() < 1e-5
    torch.testing.assert_close(values.std((1, 2, 3)), torch.ones(3))


def test_per_image_does_not_depend_on_the_other_images(pixels):
    together = normalise(to_batch(pixels), "per-image")
    alone = torch.cat([normalise(to_batch(pixels[index : index + 1]), "per-image") for index in range(3)])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("side", [64, 224])
@pytest.mark.parametrize("value", [0, 1, 77, 200, 255])
def test_an_image_of_one_value_becomes_all_zeros(value, side):
    flat = np.full((2, side, side, 3), value, dtype=np.uint8)
    assert not normalise(to_batch(flat), "per-image").any()


def test_a_single_bright_pixel_stays_visible():
    flat = np.full((1, 512, 512, 3), 77, dtype=np.uint8)
    flat[0, 3, 5] = 78
    values = normalise(to_batch(flat), "per-image")
    assert values[0, :, 3, 5].min() > 100
    assert values.isfinite().all()
