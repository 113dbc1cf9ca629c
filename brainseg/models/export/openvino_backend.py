"""Runs an exported model in OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING

import torch

from brainseg import extras
from brainseg.models.export.graphs import INPUT
from brainseg.models.export.names import BackendName, Precision
from brainseg.models.export.processor import available_cores
from brainseg.models.export.signal_stack import kept_signal_stack

if TYPE_CHECKING:
    from openvino import InferRequest


class OpenVinoBackend:
    """Runs a file of `writing.write_openvino`, or an ONNX file, on the CPU.

    Args:
        file: The file.
        precision: Number format of the computation. It is always set, as OpenVINO would otherwise compute in bf16
            wherever the processor can.
        size: (H, W) of all images, if it is known. A network that cannot work with it is refused when it is loaded.
        threads: Threads of one image; all cores by default.

    Raises:
        MissingLibraryError: OpenVINO is not installed.
    """

    name: BackendName = "openvino"

    def __init__(
        self, file: Path, precision: Precision, size: tuple[int, int] | None = None, threads: int | None = None
    ) -> None:
        extras.require("openvino", "The backend openvino")
        import openvino

        self.precision: Precision = precision
        with kept_signal_stack():
            network = openvino.Core().read_model(str(file))
            if size:
                network.reshape({INPUT: [-1, 3, *size]})
            self._compiled = openvino.compile_model(
                network,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
                    "INFERENCE_NUM_THREADS": threads or len(available_cores()),
                    "PERFORMANCE_HINT": "LATENCY",
                    "ENABLE_CPU_PINNING": False,  # pinned threads would wait for the cores that a training uses
                },
            )
        # A request holds the buffers of one image at a time, so no two threads may use the same.
        self._free: LifoQueue[InferRequest] = LifoQueue()

    def run(self, images: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
        """See `Backend.run`."""
        batch = images.detach().cpu().float().contiguous().numpy()
        try:
            request = self._free.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        # If it fails, the request is not used again: its buffers may still hold another image.
        request.infer({INPUT: batch}, share_inputs=True)
        found = [torch.from_numpy(request.get_tensor(name).data.copy()) for name in outputs]
        self._free.put(request)
        return found
