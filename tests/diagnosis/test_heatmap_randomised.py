"""Copies with random weights: which layers change, and that the model and other threads do not notice."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from brainseg.diagnosis.heatmap_checks.randomised import cascade
from brainseg.models.architectures import Classifier
from tests.diagnosis.test_gradcam import assert_untouched, state


def changed_parts(before: dict[str, torch.Tensor], model: Classifier) -> set[str]:
    """The head and the children of the body with a parameter that differs."""
    found = set()
    for name, value in model.named_parameters():
        part = name.split(".")[0] if name.startswith("head") else name.split(".")[1]
        if not torch.equal(value, before[name]):
            found.add(part)
    return found


@pytest.mark.parametrize(("head", "stages"), [("concat-pool", (3,)), ("local", (2, 3)), ("logistic", (2, 3))])
def test_layers_become_random_from_the_head_downwards_on_a_copy(head, stages, classifier) -> None:
    model = copy.deepcopy(classifier("resnet18", head, stages)).requires_grad_(False)
    before, drawn = state(model), torch.get_rng_state()
    changed = [(name, changed_parts(before, network)) for name, network in cascade(model, 0)]
    assert changed == [
        ("head", {"head"}),
        ("head to layer3", {"head", "layer3"}),
        ("head to layer2", {"head", "layer3", "layer2"}),
        ("the whole network", {"head", "layer3", "layer2", "layer1", "conv1", "bn1"}),
    ]
    assert_untouched(model, before)
    assert torch.equal(torch.get_rng_state(), drawn), "no other thread's draws change"
    # Nothing of what was learnt is left, the statistics of normalisations included.
    *_, (_, network) = cascade(model, 0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            assert not layer.running_mean.any()
            assert (layer.running_var == 1).all()


def test_the_seed_decides_and_threads_get_the_serial_weights(classifier, images) -> None:
    model = copy.deepcopy(classifier("resnet18", "concat-pool", (2,))).requires_grad_(False)

    def answers(seed: int) -> np.ndarray:
        with torch.no_grad():
            return np.stack([network(images[:1]).numpy() for _, network in cascade(model, seed)])

    serial = answers(0)
    assert np.isfinite(serial).all()
    assert not np.allclose(serial, answers(1))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(answers, [0] * 4):
            np.testing.assert_allclose(found, serial, rtol=1e-5, atol=1e-6)
