"""A network ready to be trained: built, filled with pretrained weights and joined with its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.errors import ConfigError
from brainseg.files import write_atomically, write_json
from brainseg.models.architectures import Classifier
from brainseg.models.unet import UNet
from brainseg.models.weights import WeightsReport, load_weights
from brainseg.training.augmentation import make_augmentation
from brainseg.training.callbacks import seed_everything
from brainseg.training.classification import heatmap_stage
from brainseg.training.compute import choose_device, limit_threads, uses_bf16
from brainseg.training.inputs import TrainingInputs, load_inputs
from brainseg.training.learner import TrainingData
from brainseg.training.log import RunLog
from brainseg.training.task import Task, task_of

EARLY_STAGES = {"stem", "layer1", "layer2"}
"""Pretrained stages whose general features get the smallest learning rate, as in fastai's split of a ResNet."""


@dataclass(frozen=True)
class Setup:
    """What the learning-rate finder and the training phases share.

    Attributes:
        config: The run.
        task: What it learns.
        model: The network, with its pretrained weights.
        weights: What was loaded into it.
        data: Images, targets, split and loss as the learner takes them.
        device: Where to train.
        bf16: Whether to train in bfloat16.
        log: Told of progress.
    """

    config: RunConfig
    task: Task
    model: Classifier | UNet
    weights: WeightsReport
    data: TrainingData
    device: torch.device
    bf16: bool
    log: RunLog


def open_run(config: RunConfig, log: RunLog, folder: Path, warm_start: Path | None) -> tuple[Setup, TrainingInputs]:
    """Read a run's data and build its network, as training and learning-rate finder begin.

    Args:
        config: The run, whole.
        log: Told of progress and sentences.
        folder: Takes `config.yaml`, `dataset.json`, `split.csv` and `weights.json`; made if need be.
        warm_start: The weights file that `run:<id>` stands for.

    Raises:
        BrainsegError: Anything that the user can mend, in one sentence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "config.yaml", lambda temporary: temporary.write_text(config.to_yaml(), "utf-8"))
    limit_threads(config.compute)
    inputs = load_inputs(config, log, folder)
    setup = set_up(config, inputs, log, warm_start)
    write_json(folder / "weights.json", setup.weights.to_dict())
    return setup, inputs


def set_up(config: RunConfig, inputs: TrainingInputs, log: RunLog, warm_start: Path | None) -> Setup:
    """Build the run's network from its seed, load its weights and say what they held.

    Raises:
        WeightsError: The pretrained weights cannot be had or do not fit.
        ConfigError: The device asked for is not there, or the heatmap's stage is none of the network's.
    """
    device = choose_device(config.compute.device)
    task, settings = task_of(config), config.model
    model, weights = _start(task, config, inputs, settings.stages, warm_start)
    if settings.stages is None and (stages := _useful_stages(weights, settings.head)) != model.body.stages:
        model, weights = _start(task, config, inputs, stages, warm_start)
        if stages[-1] < 4:
            log.say(f"The network ends after layer{stages[-1]}, the last stage that the weights hold.")
    _check_heatmap_layer(config, model.body.stages[-1])
    log.say(weights.sentence())
    bf16 = uses_bf16(config.compute.precision, device)
    log.say(f"Training runs on {device.type.upper()} in {'bfloat16' if bf16 else 'float32'}.")
    data = TrainingData(
        inputs.images,
        inputs.targets,
        inputs.rows("train"),
        inputs.rows("valid"),
        config.preparation.normalise,
        make_augmentation(config.training.augmentation),
        task.loss(inputs),
        _sampling(inputs) if config.training.balance == "sampling" else None,
    )
    return Setup(config, task, model, weights, data, device, bf16, log)


def _check_heatmap_layer(config: RunConfig, last: int) -> None:
    """Refuse a stage that the network does not have, before it is trained and not when its heatmap is asked for."""
    if (heatmap_stage(config.evaluation) or last) > last:
        raise ConfigError(
            f"evaluation.heatmap_layer: this network ends before {config.evaluation.heatmap_layer!r}, allowed: last, "
            f"{', '.join(f'layer{stage}' for stage in range(1, last + 1))}."
        )


def _sampling(inputs: TrainingInputs) -> np.ndarray:
    return inputs.inverse_frequencies()[inputs.labels[inputs.rows("train")]]


def _start(
    task: Task, config: RunConfig, inputs: TrainingInputs, stages: tuple[int, ...] | None, warm_start: Path | None
) -> tuple[Classifier | UNet, WeightsReport]:
    seed_everything(config.training.seed)
    model = task.build(inputs.dataset, stages)
    return model, load_weights(model.body, config.model.arch, config.model.weights, warm_start)


def _useful_stages(weights: WeightsReport, head: str) -> tuple[int, ...]:
    """Return the stages that the weights hold: the last for fine-tuning, the last two for an instant baseline.

    A deep stage that starts at random learns nothing useful from a few hundred images, and shifts under the head while
    it tries. Weights that hold nothing leave the network whole.
    """
    held = [stage for stage in (1, 2, 3, 4) if f"layer{stage}" not in weights.random_stages]
    if not weights.taken:
        held = [3, 4]
    return tuple(held[-1:] if head == "concat-pool" else held[-2:])


def parameter_groups(model: Classifier | UNet, weights: WeightsReport) -> list[list[nn.Parameter]]:
    """Sort parameters into early pretrained, late pretrained and new ones; empty groups are left out.

    Stages that start from random weights learn with the head, at its rate and from the first phase on: at the small
    rate of pretrained layers they would never catch up.
    """
    groups: dict[str, list[nn.Parameter]] = {"early": [], "late": [], "new": []}
    for name, parameter in model.named_parameters():
        place, part = name.split(".")[:2]
        stage = part if part.startswith("layer") else "stem"
        if place == "head" or weights.taken == 0 or stage in weights.random_stages:
            groups["new"].append(parameter)
        else:
            groups["early" if stage in EARLY_STAGES else "late"].append(parameter)
    return [group for group in groups.values() if group]
