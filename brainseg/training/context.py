"""`TrainingContext`: the data and objects shared by all steps of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import numpy as np
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.models.architectures import Network
from brainseg.models.weights import WeightsReport
from brainseg.training.inputs import D, TrainingInputs
from brainseg.training.log import RunLog
from brainseg.training.protocols import Task

EARLY_STAGES = {"stem", "layer1", "layer2"}
"""Pretrained stages whose general features get the smallest learning rate, as in fastai's split of a ResNet."""


@dataclass(frozen=True)
class TrainingContext(Generic[D]):
    """One run with its data and its network.

    Attributes:
        task: What the run learns; holds the run's configuration.
        inputs: Images, targets and split.
        model: The network, with its pretrained weights; training changes it in place.
        weights: The weights that were loaded into the network.
        device: Where to train.
        bf16: Whether to train in bfloat16.
        log: Receives progress, epochs and messages.
        folder: Receives the files of the run.
    """

    task: Task[D]
    inputs: TrainingInputs[D]
    model: Network
    weights: WeightsReport
    device: torch.device
    bf16: bool
    log: RunLog
    folder: Path

    @property
    def config(self) -> RunConfig:
        """The run's configuration."""
        return self.task.config

    @property
    def sampling(self) -> np.ndarray | None:
        """Relative frequency with which each training row is drawn, (n,) float64; None draws each once per epoch."""
        if self.config.training.balance != "sampling":
            return None
        weights: np.ndarray = self.inputs.inverse_frequencies()[self.inputs.labels[self.inputs.rows("train")]]
        return weights

    def parameter_groups(self) -> list[list[nn.Parameter]]:
        """Return the model's parameters, from early pretrained to new; see `parameter_groups`."""
        return parameter_groups(self.model, self.weights)


def parameter_groups(model: Network, weights: WeightsReport) -> list[list[nn.Parameter]]:
    """Group parameters into early pretrained, late pretrained and new ones; empty groups are left out.

    Stages with random weights learn together with the head, at its rate and from the first phase on. At the small rate
    of pretrained layers they would never catch up.
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
