"""What a frozen body makes of each image, computed once, so that the finder and the frozen phase train the head alone.

The body runs as in training: batch normalisation uses the mean and variance of the batch, and its running means follow.
Its weights, scales and shifts do not change, and the images are not augmented, so each passes the body only once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

import numpy as np
import torch
from torch import nn

from brainseg.models.architectures import Classifier, Network
from brainseg.models.heads import ConcatPool
from brainseg.models.inputs import normalise, on_device, to_batch
from brainseg.training.context import TrainingContext
from brainseg.training.inputs import D
from brainseg.training.log import Progress, TrainingCancelled

MOST_BYTES = 2**30
"""Most memory that the inputs of a head may take; a head that starts with pooling needs a few kilobytes per image."""


class HeadAlone(nn.Module):
    """A classifier that is fed with the inputs of its head. It has the parameters of the whole network.

    Args:
        network: The classifier.
    """

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) logits for what `head_inputs` made of N images."""
        layers = list(self.network.head)
        answer: torch.Tensor | list[torch.Tensor] = list(values)
        if isinstance(layers[0], ConcatPool):
            layers, (answer,) = layers[1:], values
        for layer in layers:
            answer = layer(answer)
        if not isinstance(answer, torch.Tensor):
            raise TypeError("A head without layers gives no logits.")
        return answer


@dataclass(frozen=True)
class HeadInputs(Generic[D]):
    """The inputs of a classifier's head for its training images.

    Attributes:
        context: The run.
        places: Which training images these are, (n,) int64: their places among the training rows, ascending.
        train: One tensor per input of the head, (n, ...), in the order of `places`.
        buffers: The body's running means and variances after these images have passed it, by their names.
    """

    context: TrainingContext[D]
    places: np.ndarray
    train: tuple[torch.Tensor, ...]
    buffers: dict[str, torch.Tensor]

    def adapt(self, network: Network) -> None:
        """Give a network's body the running means and variances of the training images."""
        _restore(network.body, self.buffers)

    def validation(self, network: Classifier) -> tuple[torch.Tensor, ...]:
        """Return the same for the validation images, from the body as in evaluation."""
        network.body.eval()
        rows = self.context.inputs.rows("valid")
        return _joined(list(_batches(self.context, network, _cut(rows, self.context.config.training.batch_size))))


def head_inputs(context: TrainingContext[D], most: int | None = None) -> HeadInputs[D] | None:
    """Run training images through the body once, in bfloat16 if the training does, without changing the network.

    Args:
        context: The run.
        most: Largest number of images, which are then drawn at random; all by default.

    Returns:
        None if the body is not frozen in the frozen phase, if the network is no classifier, or if the values would
        take more than `MOST_BYTES`: then every epoch runs through the body.

    Raises:
        TrainingCancelled: The user cancelled the run.
    """
    network = context.model
    if not (isinstance(network, Classifier) and _only_head_learns(context)):
        return None
    on_device(network, context.device)
    rows = context.inputs.rows("train")
    order = np.random.default_rng(context.config.training.seed).permutation(len(rows))[:most]  # mixes the classes
    before = _copied(network.body)
    parts = []
    try:
        network.body.train()
        for part in _batches(context, network, _cut(rows[order], context.config.training.batch_size)):
            parts.append(part)
            if sum(values.nbytes for values in part) / len(part[0]) * len(order) > MOST_BYTES:
                return None
        buffers = _copied(network.body)
    finally:
        _restore(network.body, before)
    ascending = torch.from_numpy(np.argsort(order))
    return HeadInputs(context, np.sort(order), tuple(values[ascending] for values in _joined(parts)), buffers)


def _only_head_learns(context: TrainingContext[D]) -> bool:
    """Return whether the frozen phase trains the head and nothing else: random stages of the body would learn, too."""
    groups = context.parameter_groups()
    head = {id(parameter) for parameter in context.model.head.parameters()}
    return len(groups) > 1 and {id(parameter) for parameter in groups[-1]} == head


@torch.no_grad()
def _batches(
    context: TrainingContext[D], network: Classifier, parts: list[np.ndarray]
) -> Iterator[tuple[torch.Tensor, ...]]:
    method, done, total = context.config.preparation.normalise, 0, sum(map(len, parts))
    for part in parts:
        if context.log.cancelled():
            raise TrainingCancelled("The run was cancelled.")
        images = to_batch(np.stack([context.inputs.images[row] for row in part])).to(context.device)
        with torch.autocast(context.device.type, torch.bfloat16, enabled=context.bf16):
            maps = network.body(normalise(images, method))
            pool = network.head[0]
            values = [pool(maps)] if isinstance(pool, ConcatPool) else maps
        yield tuple(value.cpu() for value in values)
        done += len(part)
        context.log.progress(Progress("features", done, total))


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut rows into batches of equal sizes, at most `size`: a small rest would have a poor mean and variance."""
    return np.array_split(rows, -(-len(rows) // size)) if len(rows) else []


def _joined(parts: list[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.cat(values) for values in zip(*parts, strict=True))


def _copied(body: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in body.named_buffers()}


def _restore(body: nn.Module, buffers: dict[str, torch.Tensor]) -> None:
    for name, value in body.named_buffers():
        value.copy_(buffers[name])
