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
from brainseg.models.export.openvino_stem import STEM, cut_after_stem
from brainseg.models.export.processor import available_cores
from brainseg.models.export.signal_stack import kept_signal_stack

if TYPE_CHECKING:
    from openvino import InferRequest


class OpenVinoBackend:
    """Runs a file of `writing.write_openvino`, or an ONNX file, on the CPU.

    Args:
        file: The file.
        precision: Number format of the computation; with bf16, the first layers are in fp32. It is always set, as
            OpenVINO would otherwise compute in bf16 wherever the processor can.
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
        options = {
            "INFERENCE_NUM_THREADS": threads or len(available_cores()),
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # pinned threads would wait for the cores that a training uses
        }
        with kept_signal_stack():
            network = openvino.Core().read_model(str(file))
            if size:
                network.reshape({INPUT: [-1, 3, *size]})
            parts = [(network, "f32")]
            if precision == "bf16":
                stem, rest = cut_after_stem(network)
                parts = [(stem, "f32"), (rest, "bf16")]
            self._parts = [
                openvino.compile_model(part, "CPU", {**options, "INFERENCE_PRECISION_HINT": hint})
                for part, hint in parts
            ]
        # A request holds the buffers of one image at a time, so no two threads may use the same.
        self._free: LifoQueue[list[InferRequest]] = LifoQueue()

    def run(self, images: torch.Tensor, outputs: Sequence[str]) -> list[torch.Tensor]:
        """See `Backend.run`."""
        known = {INPUT: images.detach().cpu().float().contiguous().numpy()}
        try:
            requests = self._free.get_nowait()
        except Empty:
            requests = [part.create_infer_request() for part in self._parts]
        # If it fails, the requests are not used again: their buffers may still hold another image.
        for part, request in zip(self._parts, requests, strict=True):
            given = {name: known[name] for each in part.inputs for name in each.names & known.keys()}
            request.infer(given, share_inputs=True)
            known[STEM] = request.get_output_tensor(0).data
        found = [torch.from_numpy(requests[-1].get_tensor(name).data.copy()) for name in outputs]
        self._free.put(requests)
        return found
