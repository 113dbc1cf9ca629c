"""Bundles to ask for answers: whole networks that have learnt next to nothing, which costs no less per answer."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.speed.ours.quiet import Quiet
from brainseg.config import RunConfig
from brainseg.tasks import task_of
from brainseg.training.trainer import train

M = TypeVar("M", bound=Any)


def make_bundle(folder: Path, data: str, arch: str, size: int, task: str = "classify", weights: str = "none") -> Path:
    """Train a run for one epoch and return the folder of its bundle.

    Args:
        folder: Receives the files of the run.
        data: A small dataset.
        arch: The ResNet.
        size: Pixels of a side.
        task: `classify` or `segment`.
        weights: A file of weights, or "none".
    """
    settings = {
        "task": task,
        "data.path": data,
        "data.split": "grouped",
        "preparation.size": size,
        "model.arch": arch,
        "model.weights": weights,
        "model.stages": [4],
        "training.epochs": 1,
        "training.frozen_epochs": 0,
        "training.batch_size": 8,
        "training.learning_rate": 1e-4,
    }
    preset = "segment" if task == "segment" else "paper"
    if task == "segment":
        settings["model.bottleneck"] = False  # the layers of fastai's U-Net
    config = RunConfig.from_preset(preset, settings)
    return train(task_of(config), Quiet(), folder, f"{arch}-{size}").bundle


def opened(kind: type[M], bundle: Path) -> M:
    """Open a bundle as the pages do: with the fastest backend that may answer; the reference build knows only torch.

    Args:
        kind: `Predictor` or `Segmenter`.
        bundle: The folder of the bundle.
    """
    options = {"backend": "auto"} if "backend" in inspect.signature(kind.open).parameters else {}
    found: M = kind.open(bundle, **options)
    return found


def backend_of(answer: object) -> str:
    """Return what ran the network of an answer, such as "openvino bf16"."""
    return f"{getattr(answer, 'backend', 'torch')} {getattr(answer, 'precision', 'fp32')}"
