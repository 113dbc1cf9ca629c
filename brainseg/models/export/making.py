"""Exports a bundle and compares what was exported with torch, on prepared images."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from brainseg import extras
from brainseg.errors import DataError, MissingLibraryError
from brainseg.files import sha256_file, write_atomically
from brainseg.models.architectures import Classifier, Network
from brainseg.models.bundle import Bundle, load_bundle
from brainseg.models.export.backends import Backend, TorchBackend, run
from brainseg.models.export.comparing import ClassComparison, MaskComparison, compare_logits, distance_difference
from brainseg.models.export.graphs import FEATURES, LOGITS, file_outputs
from brainseg.models.export.names import Format
from brainseg.models.export.onnx_backend import OnnxBackend
from brainseg.models.export.openvino_backend import OpenVinoBackend
from brainseg.models.export.processor import has_bf16, processor
from brainseg.models.export.record import LOGITS_FILE, Check, ExportRecord, read_record, write_record
from brainseg.models.export.writing import FILES, ONNX_FILE, OPENVINO_FILE, write_onnx, write_openvino
from brainseg.models.inputs import normalise, on_device, to_batch

BATCH = 16
TIMED = 5
"""Passes of one image whose median is the time of a backend."""


def best_format() -> Format | None:
    """Return the format that is served fastest with the libraries that are installed; None without any."""
    if extras.installed("onnx") and extras.installed("openvino"):
        return "openvino"
    return "onnx" if extras.installed("onnx") and extras.installed("onnxruntime") else None


def export_bundle(
    bundle_folder: Path,
    folder: Path,
    images: Iterable[np.ndarray],
    wanted: Format | None,
    progress: Callable[[int, int], None] | None = None,
    count: int = 0,
) -> ExportRecord:
    """Export a bundle, compare every backend that can run here with torch in fp32, and store both.

    Args:
        bundle_folder: The folder of the bundle.
        folder: Receives the files and `exports.json`; exports of another format of the same weights stay.
        images: (S, S, 3) uint8, prepared for the bundle's model.
        wanted: The format; None compares torch in bf16 alone.
        progress: Called with (images done, images in all).
        count: Number of images, for `progress`.

    Raises:
        BundleError: The bundle cannot be used.
        DataError: There is no image.
        MissingLibraryError: A library that the format needs is not installed.
    """
    bundle = load_bundle(bundle_folder)
    model = on_device(bundle.model, torch.device("cpu")).requires_grad_(False)
    folder.mkdir(parents=True, exist_ok=True)
    earlier = _earlier(folder, bundle)
    names = _write(model, folder, wanted) if wanted else ()
    backends = _backends(model, folder, wanted, bundle.description.preparation.size)
    checks = _compare(bundle, backends, images, folder, progress, count)
    mine = {(each.backend, each.precision) for each in checks}
    kept = [each for each in (earlier.checks if earlier else ()) if (each.backend, each.precision) not in mine]
    files = {name: sha256_file(folder / name) for name in names}
    if (folder / LOGITS_FILE).exists():
        files[LOGITS_FILE] = sha256_file(folder / LOGITS_FILE)
    record = ExportRecord(
        name=bundle.description.name,
        weights_sha256=bundle.description.weights_sha256,
        size=bundle.description.preparation.size,
        files={**(earlier.files if earlier else {}), **files},
        checks=(*kept, *checks),
    )
    write_record(folder, record)
    return record


def _earlier(folder: Path, bundle: Bundle[Network]) -> ExportRecord | None:
    """Return what is known of earlier exports of the same weights; others are forgotten."""
    with suppress(Exception):  # a damaged record is replaced
        found = read_record(folder)
        if found and found.weights_sha256 == bundle.description.weights_sha256:
            return found
    (folder / LOGITS_FILE).unlink(missing_ok=True)
    return None


def _write(model: Network, folder: Path, wanted: Format) -> tuple[str, ...]:
    if wanted == "onnx":
        write_onnx(model, folder)
    else:
        with TemporaryDirectory(dir=folder) as temporary:
            write_openvino(write_onnx(model, Path(temporary)), folder)
    return FILES[wanted]


def _backends(model: Network, folder: Path, wanted: Format | None, size: int) -> list[Backend]:
    """Return what is compared: the exported model in every precision of this processor, and torch in bf16."""
    backends: list[Backend] = []
    with suppress(MissingLibraryError):  # the file can be used elsewhere
        if wanted == "onnx":
            backends.append(OnnxBackend(folder / ONNX_FILE))
        elif wanted == "openvino":
            backends.append(OpenVinoBackend(folder / OPENVINO_FILE, "fp32", (size, size)))
            if has_bf16():
                backends.append(OpenVinoBackend(folder / OPENVINO_FILE, "bf16", (size, size)))
    if has_bf16():
        backends.append(TorchBackend(model, "bf16"))
    return backends


class _Comparing:
    """The comparison of one backend while images are read."""

    def __init__(self, model: Network, backend: Backend) -> None:
        self.model, self.backend = model, backend
        self.names = file_outputs(model)
        self.classes, self.own, self.masks = ClassComparison(), ClassComparison(), MaskComparison()
        self.features: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])

    def add(self, batch: torch.Tensor, reference: list[torch.Tensor]) -> None:
        """Compare a batch with the outputs of torch in fp32."""
        found = run(self.backend, self.model, batch, self.names)
        for kept, outputs in zip(self.features, (reference, found), strict=True):
            kept.append(_features(outputs[-1]))
        if isinstance(self.model, Classifier):
            with torch.inference_mode():
                self.classes.add(reference[0], self.model.head(found[1:]))
            self.own.add(reference[0], found[0])
        else:
            self.masks.add(reference[0], found[0])


def _features(values: torch.Tensor) -> np.ndarray:
    """Return pooled features from an output: the deepest map, or a U-Net's features as they are."""
    pooled: np.ndarray = (values.mean((2, 3)) if values.ndim == 4 else values).numpy()
    return pooled


def _compare(
    bundle: Bundle[Network],
    backends: list[Backend],
    images: Iterable[np.ndarray],
    folder: Path,
    progress: Callable[[int, int], None] | None,
    count: int,
) -> list[Check]:
    model, reference = bundle.model, TorchBackend(bundle.model)
    comparing = [_Comparing(model, each) for each in backends]
    done, batch = 0, torch.zeros(0)
    for batch in _batches(images, bundle.description.preparation.normalise):
        outputs = reference.run(batch, file_outputs(model))
        for each in comparing:
            each.add(batch, outputs)
        done += len(batch)
        if progress:
            progress(done, max(count, done))
    if not done:
        raise DataError("An export is compared with torch on images, and there is none: restore the run's dataset.")
    logits = _stored_logits(folder)
    checks = []
    for each in comparing:
        distance = distance_difference(bundle.guard, *each.features)
        if isinstance(model, Classifier):
            key = f"{each.backend.name}.{each.backend.precision}"
            logits[f"{key}.reference"], logits[key] = each.classes.logits
            found = compare_logits(*each.classes.logits, bundle.description, distance)
            own = compare_logits(*each.own.logits, bundle.description)
            # The file's own logits are what other programs read.
            if each.backend.name != "torch" and own.largest_difference > found.largest_difference:
                found = found.model_copy(update={"largest_difference": own.largest_difference})
        else:
            found = each.masks.result(distance)
        own_time, torch_time = _times(each.backend, reference, batch[:1], model)
        checks.append(
            Check(
                backend=each.backend.name,
                precision=each.backend.precision,
                processor=processor(),
                versions=_versions(each.backend),
                comparison=found,
                seconds=own_time,
                torch_seconds=torch_time,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )
    if isinstance(model, Classifier) and checks:
        write_atomically(folder / LOGITS_FILE, lambda temporary: save_file(logits, temporary))
    return checks


def _stored_logits(folder: Path) -> dict[str, np.ndarray]:
    """Return the logits of earlier comparisons, which were perhaps made on other images."""
    return dict(load_file(folder / LOGITS_FILE)) if (folder / LOGITS_FILE).exists() else {}


def _batches(images: Iterable[np.ndarray], method: str) -> Iterable[torch.Tensor]:
    kept: list[np.ndarray] = []
    for image in images:
        kept.append(image)
        if len(kept) == BATCH:
            yield normalise(to_batch(np.stack(kept)), method)
            kept = []
    if kept:
        yield normalise(to_batch(np.stack(kept)), method)


def _times(backend: Backend, reference: Backend, image: torch.Tensor, model: Network) -> tuple[float, float]:
    """Return the median seconds of both for one image, measured in turn so that both have the same machine."""
    outputs = [LOGITS, FEATURES] if not isinstance(model, Classifier) else list(file_outputs(model)[1:])
    seconds: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(TIMED + 1):
        for place, each in enumerate((backend, reference)):
            started = time.perf_counter()
            each.run(image, outputs)
            if turn:  # the first pass of a size prepares the network for it
                seconds[place].append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1])


def _versions(backend: Backend) -> dict[str, str]:
    names = {"torch": ("torch",), "onnx": ("torch", "onnx", "onnxruntime"), "openvino": ("torch", "onnx", "openvino")}
    return {name: metadata.version(name) for name in names[backend.name]}
