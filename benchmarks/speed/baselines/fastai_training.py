"""Fine-tuning a ResNet with plain fastai, as in its tutorials."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torchvision
from fastai.vision.all import ImageDataLoaders, Learner, Resize, accuracy, aug_transforms, vision_learner
from fastai.vision.learner import model_meta
from safetensors.torch import load_file
from torch import nn

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def learner(
    data: str,
    arch: str,
    size: int,
    batch_size: int = 32,
    weights: str = "none",
    seed: int = 42,
    valid_fraction: float = 0.2,
) -> Learner:
    """Make the learner of a folder of class folders, or of one with a `manifest.csv`."""
    options: dict[str, Any] = {
        "valid_pct": valid_fraction,
        "seed": seed,
        "bs": batch_size,
        "item_tfms": Resize(size),
        "batch_tfms": aug_transforms(),
    }
    if (Path(data) / "manifest.csv").is_file():
        dls = ImageDataLoaders.from_csv(data, "manifest.csv", fn_col="path", label_col="label", **options)
    else:
        dls = ImageDataLoaders.from_folder(data, **options)
    return vision_learner(dls, network(arch, weights), metrics=accuracy, pretrained=False)


def network(arch: str, weights: str) -> Callable[..., nn.Module]:
    """Return torchvision's function of a network; with a file of weights, one that loads it."""
    build: Callable[..., nn.Module] = getattr(torchvision.models, arch)
    if weights == "none":
        return build

    def loaded(weights: object = None) -> nn.Module:
        model = build()
        model.load_state_dict({name: value.float() for name, value in tensors.items()}, strict=False)
        return model

    tensors = load_file(weights)
    model_meta[loaded] = model_meta[build]
    return loaded


def side(turns: Turns, data: str, arch: str, size: int, weights: str = "none") -> None:
    """Train one unfrozen epoch a turn."""
    learn = learner(data, arch, size, weights=weights)
    learn.unfreeze()
    images = len(learn.dls.train_ds) + len(learn.dls.valid_ds)
    for _ in turns:
        with clock() as timing:
            learn.fit_one_cycle(1)
        turns.report(timing, images=images)
