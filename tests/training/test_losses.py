from __future__ import annotations

import numpy as np
import pytest
import torch

from brainseg.training.losses import SMOOTH, DiceLoss, FocalLoss, pixel_loss

NAMES = ("cross-entropy", "dice", "focal", "cross-entropy+dice")


def draw(classes: int = 2, count: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, classes, 7, 9, generator=random) * 2,
        torch.randint(0, classes, (count, 7, 9), generator=random),
    )


def by_hand(name: str, logits: torch.Tensor, targets: torch.Tensor) -> float:
    """The formulas pixel by pixel in numpy."""
    values, truth = logits.double().numpy(), targets.numpy()
    probabilities = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    true_probabilities = np.take_along_axis(probabilities, truth[:, None], axis=1)
    cross_entropy = float(np.mean(-np.log(true_probabilities)))
    if name == "cross-entropy":
        return cross_entropy
    if name == "focal":
        return float(np.mean((1 - true_probabilities) ** 2 * -np.log(true_probabilities)))
    dices = []
    for number in range(1, values.shape[1]):
        hit, probability = truth == number, probabilities[:, number]
        dices.append((2 * probability[hit].sum() + SMOOTH) / (probability.sum() + hit.sum() + SMOOTH))
    dice = 1 - float(np.mean(dices))
    return dice if name == "dice" else cross_entropy + dice


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_the_loss_is_its_formula(name: str, classes: int) -> None:
    logits, targets = draw(classes)
    assert float(pixel_loss(name)(logits, targets)) == pytest.approx(by_hand(name, logits, targets), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_batches_add_up_to_the_loss_of_the_whole(name: str) -> None:
    logits, targets = draw(count=5)
    loss = pixel_loss(name)
    sums = loss.sums(logits[:2], targets[:2]) + loss.sums(logits[2:], targets[2:])
    assert float(loss.value(sums)) == pytest.approx(float(loss(logits, targets)), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_leads_to_the_truth(name: str) -> None:
    logits, targets = draw()
    logits.requires_grad_()
    before = pixel_loss(name)(logits, targets)
    before.backward()
    with torch.no_grad():
        after = pixel_loss(name)(logits - logits.grad, targets)
    assert float(after) < float(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_sure_and_right_answer_costs_nothing_and_a_sure_and_wrong_one_is_finite(name: str) -> None:
    _, targets = draw()
    sure = torch.nn.functional.one_hot(targets, 2).permute(0, 3, 1, 2) * 100.0
    assert float(pixel_loss(name)(sure, targets)) == pytest.approx(0, abs=1e-6)
    wrong = sure.flip(1).requires_grad_()
    loss = pixel_loss(name)(wrong, targets)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(wrong.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_tumour_is_finite(name: str) -> None:
    logits, _ = draw()
    loss = pixel_loss(name)(logits.requires_grad_(), torch.zeros(3, 7, 9, dtype=torch.int64))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_a_model_that_finds_nothing_has_the_worst_dice_loss() -> None:
    targets = torch.zeros(2, 32, 32, dtype=torch.int64)
    targets[:, 4:24, 4:24] = 1
    nothing = torch.stack([torch.full((2, 32, 32), 50.0), torch.zeros(2, 32, 32)], dim=1)
    assert float(DiceLoss()(nothing, targets)) > 0.99


def test_focal_without_focus_is_torchs_cross_entropy() -> None:
    logits, targets = draw(3)
    expected = torch.nn.functional.cross_entropy(logits, targets)
    torch.testing.assert_close(FocalLoss(0.0)(logits, targets), expected)
