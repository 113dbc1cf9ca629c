"""Names of backends and number formats; this module does not import torch."""

from __future__ import annotations

from typing import Literal

BackendName = Literal["torch", "onnx", "openvino"]
Precision = Literal["fp32", "bf16"]
Format = Literal["onnx", "openvino"]
FORMATS: tuple[Format, ...] = ("onnx", "openvino")
BackendChoice = Literal["auto", "torch", "onnx", "openvino"]
CHOICES: tuple[BackendChoice, ...] = ("auto", "torch", "onnx", "openvino")
TITLES: dict[str, str] = {"torch": "torch", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}
"""Backend -> its name in sentences."""
RUNTIMES: dict[str, str] = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}
"""Backend -> the library that it needs."""
FOLDER = "exports"
"""The folder beside a run's bundle."""


def computed_with(backend: str, precision: str) -> str:
    """Return what ran a network, in words; several models may have used several, joined by a plus.

    >>> computed_with("openvino", "bf16"), computed_with("openvino+torch", "bf16+fp32")
    ('OpenVINO (bf16)', 'OpenVINO and torch (bf16 and fp32)')
    """
    titles = " and ".join(TITLES.get(each, each) for each in backend.split("+"))
    return f"{titles} ({precision.replace('+', ' and ')})"
