"""Bundles, the only form in which models are stored: `model.safetensors` and `bundle.json`, without any code."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Generic, TypeVar, Unpack

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from brainseg.errors import BundleError
from brainseg.files import sha256_file, write_atomically, write_json
from brainseg.models.architectures import Classifier, Network, build_classifier
from brainseg.models.description import (
    CHECKSUM,
    DESCRIPTION,
    BundleDescription,
    BundleFacts,
    bundle_digest,
    content_digest,
    is_own_file,
    read_description,
)
from brainseg.models.guard import Guard, load_guard
from brainseg.models.sources import WEIGHTS
from brainseg.models.unet import UNet, build_unet
from brainseg.models.unfilled import unfilled
from brainseg.preparation import VERSION as PREPARATION_VERSION

__all__ = [
    "DESCRIPTION",
    "LIBRARIES",
    "Bundle",
    "BundleDescription",
    "load_bundle",
    "load_bundle_for",
    "read_description",
    "save_bundle",
    "write_description",
]

LIBRARIES = ("torch", "torchvision", "fastai", "numpy", "opencv-python-headless", "pillow", "scikit-learn")


N = TypeVar("N", bound=Network, covariant=True)
K = TypeVar("K", bound=Network)


@dataclass(frozen=True)
class Bundle(Generic[N]):
    """A loaded bundle.

    Attributes:
        description: The content of `bundle.json`.
        model: The network, on the CPU, in evaluation mode.
        digest: SHA-256 over the files, 64 hexadecimal digits; it identifies the model.
        guard: Statistics of its training images; None in bundles of earlier versions.
    """

    description: BundleDescription
    model: N
    digest: str
    guard: Guard | None = None

    @property
    def version(self) -> str:
        """The first 12 digits of the digest, which are shown beside the name."""
        return self.digest[:12]


def save_bundle(
    folder: Path,
    model: Network,
    guard: Guard | None = None,
    **facts: Unpack[BundleFacts],
) -> Path:
    """Write a bundle; the description is written last, so a crash cannot leave half a bundle.

    Args:
        folder: The folder to write to; it is created if it does not exist.
        model: The model to store.
        guard: Statistics of its training images.
        facts: The fields of `BundleDescription` that this function does not set itself.

    Raises:
        BundleError: The weights hold values that are not finite numbers.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if broken := _broken(tensors):
        raise BundleError(
            f"The weights of the trained network contain values that are not numbers ({broken}): train it again, "
            "with a lower training.learning_rate."
        )
    size = sum(tensor.nbytes for tensor in tensors.values())
    write_atomically(folder / WEIGHTS, lambda temporary: save_file(tensors, temporary), size)
    kept = guard.save(folder) if guard else None
    description = BundleDescription(
        guard=kept,
        preparation_version=PREPARATION_VERSION,
        weights_sha256=sha256_file(folder / WEIGHTS),
        libraries={"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
    )
    write_description(folder, description)
    return folder


def write_description(folder: Path, description: BundleDescription) -> None:
    """Write `bundle.json` with its checksum, atomically."""
    values = description.model_dump(mode="json")
    write_json(folder / DESCRIPTION, {**values, CHECKSUM: content_digest(values)})


def _own(values: torch.Tensor) -> torch.Tensor:
    """Return a copy in memory, with floating-point numbers as float32."""
    return values.to(torch.float32 if values.is_floating_point() else values.dtype, copy=True)


def _broken(tensors: dict[str, torch.Tensor]) -> str:
    """Return the name of a tensor with NaN or infinite values; "" if there is none."""
    # The sum, which costs a fraction, is not finite either if a value is not; finite values may overflow in it.
    doubtful = [name for name, values in tensors.items() if not torch.isfinite(values.sum())]
    return next((name for name in doubtful if not torch.isfinite(tensors[name]).all()), "")


def _version(library: str) -> str:
    """Return the version of a library; "unknown" if it is installed under another name, like some builds of OpenCV."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "unknown"


def load_bundle(folder: Path) -> Bundle[Network]:
    """Load a bundle, after checking that its weights have not changed since it was written.

    Raises:
        BundleError: A file is missing, damaged or changed, contains weights that are not finite numbers, or does not
            fit the architecture that the bundle names.
    """
    description = read_description(folder)
    weights = folder / WEIGHTS
    if not is_own_file(weights):
        raise BundleError(f"{folder} has no {WEIGHTS}: choose another run or train again.")
    if sha256_file(weights) != description.weights_sha256:
        raise BundleError(
            f"{weights} was changed or damaged after the bundle was written, so it is not used: choose another run or "
            "train again."
        )
    with unfilled():
        model = NETWORKS[description.head](description)
    try:
        # Copies: the values that are read may lie in the file itself, and must not change with it.
        tensors = {name: _own(values) for name, values in load_file(weights).items()}
        model.load_state_dict(tensors, assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise BundleError(
            f"{weights} does not fit the {description.arch} that its bundle names: train the model again."
        ) from error
    if broken := _broken(tensors):
        raise BundleError(f"{weights} contains values that are not numbers ({broken}): train the model again.")
    guard = load_guard(folder, description.guard, model.body.level_channels[-1]) if description.guard else None
    return Bundle(description, model.eval(), bundle_digest(folder, description), guard)


def load_bundle_for(kind: type[K], folder: Path) -> Bundle[K]:
    """Load a bundle whose model must be of one kind.

    Args:
        kind: `Classifier` or `UNet`.
        folder: The folder of the bundle.

    Raises:
        BundleError: The model is of another kind, or `load_bundle` refuses it.
    """
    bundle = load_bundle(folder)
    if not isinstance(bundle.model, kind):
        raise BundleError(f"{bundle.description.name} {bundle.model.does}: choose a run that {kind.does}.")
    return Bundle(bundle.description, bundle.model, bundle.digest, bundle.guard)


def _classifier(description: BundleDescription) -> Classifier:
    classes = len(description.classes)
    return build_classifier(description.arch, classes, description.head, description.stages, description.dropout)


def _unet(description: BundleDescription) -> UNet:
    classes = len(description.classes)
    return build_unet(description.arch, classes, description.stages, description.self_attention, description.bottleneck)


NETWORKS: dict[str, Callable[[BundleDescription], Network]] = {
    "concat-pool": _classifier,
    "local": _classifier,
    "logistic": _classifier,
    "svm": _classifier,
    "u-net": _unet,
}
"""Head in a bundle -> the function that builds its network with random weights."""
