"""Runs an exported model in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from brainseg import extras
from brainseg.models.export.graphs import INPUT
from brainseg.models.export.names import BackendName, Precision
from brainseg.models.export.processor import available_cores


class OnnxBackend:
    """Runs a file of `writing.write_onnx` on the CPU.

    Args:
        file: The file.
        threads: Threads of one image; all cores by default.

    Raises:
        MissingLibraryError: ONNX Runtime is not installed.
    """

    name: BackendName = "onnx"
    precision: Precision = "fp32"

    def __init__(self, file: Path, threads: int | None = None) -> None:
        extras.require("onnxruntime", "The backend onnx")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(available_cores())
        options.log_severity_level = 3
        # Threads that spin while they wait would slow down a training on the same machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(self, images: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
        """See `Backend.run`."""
        batch = images.detach().cpu().float().contiguous().numpy()
        return [torch.from_numpy(values) for values in self._session.run(list(outputs), {INPUT: batch})]
