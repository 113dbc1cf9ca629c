"""Writes a network as one ONNX file, or as the two files of OpenVINO; both with weights in float32."""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import parametrize

from brainseg import extras
from brainseg.files import write_atomically
from brainseg.models.architectures import Network
from brainseg.models.export.graphs import FEATURES, INPUT, LOGITS, Graph, file_outputs
from brainseg.models.export.names import Format
from brainseg.models.unet import SelfAttention, UNet

ONNX_FILE = "model.onnx"
OPENVINO_FILE, OPENVINO_WEIGHTS = "model.xml", "model.bin"
FILES: dict[Format, tuple[str, ...]] = {"onnx": (ONNX_FILE,), "openvino": (OPENVINO_FILE, OPENVINO_WEIGHTS)}
"""Format -> the files that a model consists of; a runtime opens the first."""
OPSET = 18
EXAMPLE = (2, 3, 65, 129)
"""Size of the images with which the network is recorded.

Where a U-Net doubles a map, it resizes the result if it does not fit the encoder's map, and only the branch that the
example takes is recorded. These sides give an odd number of rows and columns at every stage (65, 33, 17, 9, 5, 3), so
the recorded network resizes everywhere, and is right for images of any size. With 64 pixels it never resizes; with 75 x
91, which 32 does not divide either, there are stages at which it does not.
"""


def write_onnx(model: Network, folder: Path) -> Path:
    """Write `model.onnx`, atomically; the number of images and their size are free.

    Args:
        model: In evaluation mode; it is not changed.
        folder: Where to write.

    Raises:
        MissingLibraryError: onnx is not installed.
    """
    extras.require("onnx", "An export")
    free = {0: "count", 2: "height", 3: "width"}
    names = file_outputs(model)
    axes = {
        name: {0: "count"} if name == FEATURES else {0: "count", 2: f"{name}_height", 3: f"{name}_width"}
        for name in names
    }
    if not isinstance(model, UNet):
        axes[LOGITS] = {0: "count"}
    file = folder / ONNX_FILE
    with warnings.catch_warnings(), _quiet("torch.onnx"):
        # The exporter of torch's compiler would need another library, and takes several times as long.
        warnings.simplefilter("ignore")
        write_atomically(
            file,
            lambda temporary: torch.onnx.export(
                Graph(_exportable(model)),
                (torch.zeros(EXAMPLE),),
                str(temporary),
                dynamo=False,
                external_data=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(names),
                dynamic_axes={INPUT: free, **axes},
            ),
        )
    return file


def write_openvino(onnx_file: Path, folder: Path) -> Path:
    """Write `model.xml` and `model.bin` from an ONNX file.

    Raises:
        MissingLibraryError: OpenVINO is not installed.
    """
    extras.require("openvino", "An export for OpenVINO")
    import openvino

    file = folder / OPENVINO_FILE
    openvino.save_model(openvino.Core().read_model(str(onnx_file)), str(file), compress_to_fp16=False)
    return file


def _exportable(model: Network) -> Network:
    """Return a network whose spectral norms are plain weights; a copy if it has any."""
    if not any(isinstance(layer, SelfAttention) for layer in model.modules()):
        return model
    plain = copy.deepcopy(model)
    for block in plain.modules():
        for name, layer in list(block.named_children()):
            if parametrize.is_parametrized(layer) and isinstance(layer, nn.Conv1d):
                setattr(block, name, _plain(layer))
    return plain


def _plain(layer: nn.Conv1d) -> nn.Conv1d:
    """Return a layer with the same weights as plain numbers.

    `remove_parametrizations` would not do: a copy shares its class with the original, which would lose its weights.
    """
    made = nn.Conv1d(layer.in_channels, layer.out_channels, 1, bias=False)
    made.weight = nn.Parameter(layer.weight.detach().clone(), requires_grad=False)
    return made.eval()


class _quiet:
    """Keeps a library's log below errors."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def __enter__(self) -> None:
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
