"""A bundle is the only form in which a model is stored: `model.safetensors` and `bundle.json`, no code to run."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import brainseg
from brainseg.config import Architecture, PreparationConfig
from brainseg.errors import BundleError
from brainseg.files import sha256_bytes, sha256_file, write_atomically, write_json
from brainseg.models.architectures import Classifier, build_classifier
from brainseg.models.sources import WEIGHTS
from brainseg.models.unet import UNet, build_unet
from brainseg.preparation import VERSION as PREPARATION_VERSION

DESCRIPTION = "bundle.json"
LIBRARIES = ("torch", "torchvision", "fastai", "numpy", "opencv-python-headless", "pillow", "scikit-learn")


class BundleDescription(BaseModel):
    """What `bundle.json` holds; unknown fields and values are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    disclaimer: str = brainseg.DISCLAIMER
    name: str
    task: Literal["classify", "segment"] = "classify"
    arch: Architecture
    head: Literal["concat-pool", "logistic", "svm", "u-net"]
    stages: tuple[Annotated[int, Field(ge=1, le=4)], ...] = Field(min_length=1)
    dropout: float = Field(ge=0, lt=1)
    classes: tuple[str, ...] = Field(min_length=2)
    positive: str | None
    modalities: tuple[str, ...] | None = Field(None, min_length=1, max_length=3)
    self_attention: bool = False
    preparation: PreparationConfig
    preparation_version: int
    weights_sha256: str
    pretraining: dict[str, Any]
    data: dict[str, Any]
    validation: dict[str, Any]
    libraries: dict[str, str]
    brainseg: str = brainseg.__version__
    created: str

    @field_validator("stages")
    @classmethod
    def _ascending(cls, stages: tuple[int, ...]) -> tuple[int, ...]:
        if list(stages) != sorted(set(stages)):
            raise ValueError("each stage once, in ascending order")
        return stages

    @field_validator("classes")
    @classmethod
    def _each_once(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) < len(classes):
            raise ValueError("each class once")
        return classes

    @field_validator("positive")
    @classmethod
    def _is_a_class(cls, positive: str | None, info: ValidationInfo) -> str | None:
        if positive is not None and positive not in info.data.get("classes", ()):
            raise ValueError("one of the classes")
        return positive

    @field_validator("head")
    @classmethod
    def _fits_the_task(cls, head: str, info: ValidationInfo) -> str:
        if (info.data.get("task") == "segment") != (head == "u-net"):
            raise ValueError("a u-net segments, other heads classify")
        return head


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle.

    Attributes:
        description: What `bundle.json` says.
        model: The classifier or U-Net, on the CPU, in evaluation mode.
        digest: SHA-256 over both files, 64 hexadecimal digits; names this very model.
    """

    description: BundleDescription
    model: Classifier | UNet
    digest: str

    @property
    def version(self) -> str:
        """The first 12 digits of the digest, to be shown beside the name."""
        return self.digest[:12]


def save_bundle(folder: Path, model: Classifier | UNet, **facts: Any) -> Path:  # noqa: ANN401 - BundleDescription's fields
    """Write a bundle; the description comes last, so that a crash leaves no bundle rather than half of one.

    Args:
        folder: Where to; made if need be.
        model: What to store.
        facts: The fields of `BundleDescription` that do not follow from the model, the moment and the machine.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    write_atomically(folder / WEIGHTS, lambda temporary: save_file(tensors, temporary))
    description = BundleDescription(
        preparation_version=PREPARATION_VERSION,
        weights_sha256=sha256_file(folder / WEIGHTS),
        libraries={"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
    )
    write_json(folder / DESCRIPTION, description.model_dump(mode="json"))
    return folder


def _version(library: str) -> str:
    """A library of another name, such as another build of OpenCV, is no reason to lose a trained model."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "unknown"


def read_description(folder: Path) -> BundleDescription:
    """Read and check `bundle.json` alone, without loading the model.

    Raises:
        BundleError: The file is missing, damaged, of another version, or names something unknown.
    """
    file = folder / DESCRIPTION
    if not _is_own_file(file):
        raise BundleError(
            f"{folder} holds no model bundle ({DESCRIPTION} is missing): choose another run or train again."
        )
    try:
        description = BundleDescription.model_validate(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        field = f" (field {'.'.join(map(str, place))})" if place else ""
        raise BundleError(
            f"{file} is damaged or was not written by brainseg{field}: choose another run or train again."
        ) from error
    if description.preparation_version != PREPARATION_VERSION:
        raise BundleError(
            f"{description.name} was made with preparation version {description.preparation_version}, this brainseg "
            f"has {PREPARATION_VERSION}: train it again."
        )
    return description


def _is_own_file(file: Path) -> bool:
    """Say whether this is a file of the folder itself, rather than a link that leads out of it."""
    return file.is_file() and not file.is_symlink()


def load_bundle(folder: Path) -> Bundle:
    """Load a bundle after checking that its weights are the ones it was written with.

    Raises:
        BundleError: A file is missing, damaged, changed, or does not fit the architecture it names.
    """
    description = read_description(folder)
    weights = folder / WEIGHTS
    if not _is_own_file(weights):
        raise BundleError(f"{folder} has no {WEIGHTS}: choose another run or train again.")
    if sha256_file(weights) != description.weights_sha256:
        raise BundleError(
            f"{weights} is not the file that the bundle was written with: it was changed or damaged, so it is not used."
        )
    model = _network(description)
    try:
        model.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        raise BundleError(
            f"{weights} does not fit the {description.arch} that its bundle names: train it again."
        ) from error
    digest = sha256_bytes((description.weights_sha256 + (folder / DESCRIPTION).read_text("utf-8")).encode())
    return Bundle(description, model.eval(), digest)


def load_bundle_for(task: str, folder: Path) -> Bundle:
    """Load a bundle of a task.

    Args:
        task: `classify` or `segment`.
        folder: The bundle's.

    Raises:
        BundleError: The model does something else, or `load_bundle` refuses it.
    """
    description = read_description(folder)
    if description.task != task:
        does, wanted = (
            ("classifies images", "marks tumours") if task == "segment" else ("marks tumours", "classifies images")
        )
        raise BundleError(f"{description.name} {does}: choose a run that {wanted}.")
    return load_bundle(folder)


def _network(description: BundleDescription) -> Classifier | UNet:
    classes = len(description.classes)
    if description.task == "segment":
        return build_unet(description.arch, classes, description.stages, description.self_attention)
    return build_classifier(description.arch, classes, description.head, description.stages, description.dropout)
