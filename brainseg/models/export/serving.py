"""Chooses which backend answers: the fastest that is installed and passed its comparison with torch."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file

from brainseg import extras
from brainseg.errors import BackendError, BrainsegError, BundleError
from brainseg.models.architectures import Classifier, Network
from brainseg.models.bundle import Bundle, load_bundle
from brainseg.models.export.backends import Backend, TorchBackend
from brainseg.models.export.comparing import compare_logits
from brainseg.models.export.names import FOLDER, RUNTIMES, TITLES, BackendChoice, BackendName, Precision
from brainseg.models.export.onnx_backend import OnnxBackend
from brainseg.models.export.openvino_backend import OpenVinoBackend
from brainseg.models.export.processor import has_bf16, processor
from brainseg.models.export.record import (
    LOGITS_FILE,
    TOLERANCE,
    Check,
    Comparison,
    ExportRecord,
    checked_file,
    read_record,
)
from brainseg.models.export.writing import FILES

_ORDER = ("openvino", "onnx", "torch")
"""From fast to slow, where nothing was measured on this kind of processor."""
_log = logging.getLogger(__name__)


def exports_of(bundle_folder: Path) -> Path:
    """Return the folder in which the exports of a bundle lie, if there are any."""
    return bundle_folder.parent / FOLDER


def answers_with(bundle_folder: Path) -> tuple[BackendName, Precision]:
    """Return the backend and the precision that answer for a bundle on the CPU if nobody chooses.

    Raises:
        BundleError: The bundle cannot be used.
    """
    backend = open_backend(load_bundle(bundle_folder), bundle_folder, "auto", torch.device("cpu"))
    return backend.name, backend.precision


def open_backend(bundle: Bundle[Network], bundle_folder: Path, choice: BackendChoice, device: torch.device) -> Backend:
    """Open the backend that answers for a model.

    Args:
        bundle: The loaded bundle, channels last.
        bundle_folder: Its folder; the exports are beside it.
        choice: "auto" takes the fastest that may answer, which is torch in fp32 if no other may.
        device: Where torch runs; only torch uses a GPU.

    Raises:
        BackendError: The chosen backend is not installed, has no export, or differs too much from torch.
        BundleError: The exports are damaged; with "auto", torch answers instead.
    """
    if device.type != "cpu":
        if choice not in ("auto", "torch"):
            raise BackendError(f"{TITLES[choice]} runs on the CPU only: choose the device cpu, or the backend torch.")
        return TorchBackend(bundle.model)
    try:
        exports = _Exports.read(bundle, exports_of(bundle_folder))
    except BundleError:
        if choice not in ("auto", "torch"):
            raise
        _log.warning("The exports of %s are not used.", bundle.description.name, exc_info=True)
        return TorchBackend(bundle.model)
    for check in exports.usable(None if choice == "auto" else choice):
        try:
            return exports.open(check)
        except (BrainsegError, RuntimeError):
            if choice not in ("auto", "torch"):
                raise
            _log.warning("%s cannot answer for %s.", TITLES[check.backend], bundle.description.name, exc_info=True)
    if choice in ("auto", "torch"):
        return TorchBackend(bundle.model)
    raise BackendError(exports.obstacle(choice))


@dataclass(frozen=True)
class _Exports:
    """The exports of one bundle."""

    bundle: Bundle[Network]
    folder: Path
    record: ExportRecord | None
    checks: tuple[tuple[Check, Comparison], ...]

    @classmethod
    def read(cls, bundle: Bundle[Network], folder: Path) -> _Exports:
        record = read_record(folder)
        if record is None or record.weights_sha256 != bundle.description.weights_sha256:
            return cls(bundle, folder, None, ())
        return cls(bundle, folder, record, tuple(current_checks(record, folder, bundle)))

    def usable(self, backend: str | None) -> list[Check]:
        """Return the checks by which a backend may answer here, from fast to slow."""
        found = [
            check
            for check, comparison in self.checks
            if backend in (None, check.backend) and comparison.passes(check.precision) and _runs_here(check)
        ]
        measured = [each for each in found if each.processor == processor()]
        # Torch in fp32, which needs no check, answers if it was faster.
        if backend is None:
            found = [each for each in found if each.processor != processor() or each.seconds < each.torch_seconds]
        if len(measured) == len(found) or backend is not None:
            return sorted(found, key=lambda each: each.seconds / each.torch_seconds)
        return sorted(found, key=lambda each: (each.precision == "fp32", _ORDER.index(each.backend)))

    def open(self, check: Check) -> Backend:
        """Open the backend of a check."""
        if check.backend == "torch":
            return TorchBackend(self.bundle.model, check.precision)
        if self.record is None:
            raise BundleError(f"{self.folder} has no exports.")
        first, *_ = [checked_file(self.folder, self.record, name) for name in FILES[check.backend]]
        if check.backend == "onnx":
            return OnnxBackend(first)
        return OpenVinoBackend(first, check.precision, (self.record.size, self.record.size))

    def obstacle(self, backend: BackendChoice) -> str:
        """Return why a backend may not answer, as a sentence."""
        name, title = self.bundle.description.name, TITLES[backend]
        library = RUNTIMES[backend]
        if not extras.installed(library):
            return f"The backend {backend} needs {library}, which is not installed: {extras.remedy(library)}"
        mine = [(check, comparison) for check, comparison in self.checks if check.backend == backend]
        if not mine:
            return f"{name} has no export for {title}: make one with `brainseg export RUN --format {backend}`."
        check, comparison = mine[0]
        return (
            f"{title} differs from torch for {name} (largest difference of a probability "
            f"{comparison.largest_difference:.1e}, allowed {TOLERANCE[check.precision]:g}; "
            f"{comparison.decisions_changed} of {comparison.images} decisions changed): choose the backend torch."
        )


def current_checks(record: ExportRecord, folder: Path, bundle: Bundle[Network]) -> Sequence[tuple[Check, Comparison]]:
    """Return the checks with what holds for the model as it is now.

    A calibration or a threshold that was chosen after the export is compared on the stored logits.

    Raises:
        BundleError: The stored logits are missing or damaged.
    """
    if not isinstance(bundle.model, Classifier) or not record.checks:
        return [(each, each.comparison) for each in record.checks]
    try:
        logits = load_file(checked_file(folder, record, LOGITS_FILE))
        return [(each, _now(each, logits, bundle)) for each in record.checks]
    except (SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"{folder / LOGITS_FILE} is damaged: export the run again.") from error


def _now(check: Check, logits: Mapping[str, np.ndarray], bundle: Bundle[Network]) -> Comparison:
    distance = check.comparison.distance_difference
    now = compare_logits(logits[f"{check.key}.reference"], logits[check.key], bundle.description, distance)
    largest = max(now.largest_difference, check.comparison.largest_difference)
    return now.model_copy(update={"largest_difference": largest})


def _runs_here(check: Check) -> bool:
    """Return whether the library is installed, and the comparison holds for this processor."""
    return extras.installed(RUNTIMES[check.backend]) and check.holds_here and (check.precision == "fp32" or has_bf16())
