"""`Backend`: what runs a network. Torch is always there; ONNX Runtime and OpenVINO run files that were exported."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol, TypeVar

import torch
from torch import nn

from brainseg.errors import BundleError
from brainseg.models.architectures import Network
from brainseg.models.export.folding import fold_batch_norm
from brainseg.models.export.graphs import FEATURES, LOGITS, STAGE, output_shape
from brainseg.models.export.names import TITLES, BackendName, Precision
from brainseg.models.unet import UNet

M = TypeVar("M", bound=nn.Module)


class Backend(Protocol):
    """Runs one network; any number of threads may share one instance."""

    @property
    def name(self) -> BackendName:
        """Which library runs the network."""

    @property
    def precision(self) -> Precision:
        """Number format of the computation; the outputs are float32 in any case."""

    def run(self, images: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
        """Return the named outputs, see `graphs.file_outputs`, float32 on the CPU, or on the device of the network.

        Args:
            images: (N, 3, H, W) float32, normalised.
            outputs: Names of the outputs, in the order in which they are returned.
        """


def run(backend: Backend, model: Network, images: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
    """Run a backend, and check that what comes back is of these images.

    A runtime that keeps its buffers can return the answer to an earlier image of another size, without an error.

    Args:
        backend: What runs the network.
        model: The network.
        images: (N, 3, H, W) float32, normalised.
        outputs: Names of the outputs.

    Raises:
        BundleError: An output has another size than these images need.
    """
    found = backend.run(images, outputs)
    for name, values in zip(outputs, found, strict=True):
        needed = output_shape(model, name, tuple(images.shape))
        if tuple(values.shape) != needed:
            raise BundleError(
                f"{TITLES[backend.name]} returned values of the size {_size(values.shape)} where images of the size "
                f"{_size(images.shape)} need {_size(needed)}, so they are not used: choose the backend torch."
            )
    return found


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


class TorchBackend:
    """Runs a network in torch.

    In fp32, it uses the network itself. In bf16, it uses a copy whose batch normalisations are folded into the
    convolutions before them; the first convolution and a classifier's head stay in fp32, see `openvino_stem`.

    Args:
        model: In evaluation mode, channels last.
        precision: Number format of the computation.
    """

    name: BackendName = "torch"

    def __init__(self, model: Network, precision: Precision = "fp32") -> None:
        self.precision: Precision = precision
        self._model = model
        self._body, self._head = model.body, model.head
        self._type = torch.float32
        if precision == "bf16":
            self._type = torch.bfloat16
            self._body = self._reduced(model.body)
            self._body.conv1 = self._body.conv1.float()
            self._body.bn1 = _To(self._type)  # it is folded, so nothing else is in its place
            self._head = self._reduced(model.head) if isinstance(model, UNet) else model.head

    @torch.no_grad()  # not in inference mode, whose tensors cannot be differentiated afterwards
    def run(self, images: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
        """See `Backend.run`."""
        batch = images.to(torch.float32, memory_format=torch.channels_last)
        levels = self._body.levels(batch)
        found = {f"{STAGE}{number}": levels[number].float() for number in self._model.body.stages}
        if isinstance(self._model, UNet):
            found = {FEATURES: levels[-1].float().mean((2, 3))}
            if LOGITS in outputs:
                found[LOGITS] = self._head(batch.to(self._type), levels).float()
        elif LOGITS in outputs:
            found[LOGITS] = self._head(list(found.values())).float()
        return [found[name] for name in outputs]

    def _reduced(self, part: M) -> M:
        folded = fold_batch_norm(copy.deepcopy(part))
        return folded.to(self._type).to(memory_format=torch.channels_last)


class _To(nn.Module):
    """Converts to a number format."""

    def __init__(self, wanted: torch.dtype) -> None:
        super().__init__()
        self.wanted = wanted

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.to(self.wanted)
