from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from brainseg.config import PreparationConfig
from brainseg.models.architectures import Classifier, build_classifier
from brainseg.models.bundle import save_bundle

SIZE = 64
ARCHES = ("resnet18", "resnet34", "resnet50")
LARGE_ARCHES = ("resnet101", "resnet152")
CLASSES = ("no", "yes")


def one_sentence(error: BaseException) -> str:
    """Return an error's message, after checking that it is one sentence on one line."""
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text
    return text


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch '{self.marker}'",)


def live(model: nn.Module, size: int = SIZE, seed: int = 0) -> nn.Module:
    """Give every batch normalisation different statistics and scales, so nothing in the model is trivial."""
    torch.manual_seed(seed)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the statistics become those of the batch below
        nn.init.uniform_(layer.weight, 0.5, 1.5)
        nn.init.normal_(layer.bias, 0, 0.2)
    with torch.no_grad():
        model.train()(torch.randn(4, 3, size, size))
        for layer in layers:
            layer.running_var.clamp_(min=0.1)  # a channel that is constant in the batch would amplify rounding errors
    return model.eval()


def make_classifier(
    arch: str = "resnet18",
    head: str = "concat-pool",
    stages: tuple[int, ...] | None = None,
    classes: int = 2,
    seed: int = 0,
) -> Classifier:
    torch.manual_seed(seed)
    model = live(build_classifier(arch, classes, head, stages), seed=seed)
    with torch.no_grad():
        last = [layer for layer in model.head if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)][-1]
        last.weight.mul_(0.2)  # probabilities away from 0 and 1
    return model


def store(folder: Path, model: Classifier, classes: tuple[str, ...] = CLASSES, **changes: object) -> Path:
    """Save a bundle as a training would; `changes` replace fields of its description."""
    facts = {
        "name": "a run",
        "arch": "resnet18",
        "head": "concat-pool",
        "stages": model.body.stages,
        "dropout": 0.5,
        "classes": classes,
        "positive": classes[-1],
        "preparation": PreparationConfig(size=SIZE),
        "pretraining": {"source": "random weights"},
        "data": {"images": 8},
        "validation": {"accuracy": 0.5},
    }
    return save_bundle(folder, model, **{**facts, **changes})


@pytest.fixture(scope="session")
def classifier() -> Callable[..., Classifier]:
    """Build classifiers, each kind once; tests must not change them."""
    made: dict[tuple, Classifier] = {}

    def build(arch: str = "resnet18", head: str = "concat-pool", stages: tuple[int, ...] | None = None) -> Classifier:
        key = (arch, head, stages)
        if key not in made:
            made[key] = make_classifier(*key)
        return made[key]

    return build


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """(3, 3, 64, 64) normalised images."""
    return torch.randn(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(7))
