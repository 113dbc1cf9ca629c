"""The fused Adam against fastai's own, which updates one parameter after the other."""

from __future__ import annotations

import copy

import torch
from fastai.optimizer import Adam
from torch import nn

from brainseg.training.learner import FusedAdam


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.Conv2d(16, 8, 1), nn.Linear(4, 4))
    return layers.to(memory_format=torch.channels_last)


def test_updates_and_state_are_those_of_fastai() -> None:
    fast = network()
    slow = copy.deepcopy(fast)
    ours, theirs = (
        kind([list(layers[:2].parameters()), list(layers[2:].parameters())], lr=0.1)
        for kind, layers in ((FusedAdam, fast), (Adam, slow))
    )
    for step in range(6):
        for optimiser, layers in ((ours, fast), (theirs, slow)):
            optimiser.state[layers[0].bias]["do_wd"] = False
            optimiser.set_hyper("lr", slice(0.01 * (step + 1), 0.1))  # as a schedule does
            optimiser.set_hyper("mom", 0.95 - 0.02 * step)
        for one, other in zip(fast.parameters(), slow.parameters(), strict=True):
            gradient = torch.randn(one.shape)
            one.grad, other.grad = gradient.contiguous(), gradient.clone()
        if step == 2:  # a frozen layer keeps its state
            fast[3].weight.grad = slow[3].weight.grad = None
        if step == 4:  # as from a checkpoint, whose files know one memory layout
            for entry in ours.state.values():
                entry["grad_avg"], entry["sqr_avg"] = entry["grad_avg"].contiguous(), entry["sqr_avg"].contiguous()
        ours.step()
        theirs.step()
        for one, other in zip(fast.parameters(), slow.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
            mine, reference = ours.state[one], theirs.state[other]
            assert set(mine) == set(reference)
            assert mine["step"] == reference["step"]
            torch.testing.assert_close(mine["grad_avg"], reference["grad_avg"])
            torch.testing.assert_close(mine["sqr_avg"], reference["sqr_avg"])
    ours.zero_grad()
    assert all(each.grad is None for each in fast.parameters())
