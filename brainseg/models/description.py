"""The description of a bundle, `bundle.json`, which is read and checked without torch or the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from typing_extensions import TypedDict

import brainseg
from brainseg.config import Architecture, HeatmapMethod, PreparationConfig
from brainseg.errors import BundleError
from brainseg.files import sha256_bytes
from brainseg.models.calibration import CalibrationState
from brainseg.models.guard import GuardDescription
from brainseg.models.operating_point import DEFAULT, OperatingPoint
from brainseg.models.sources import StoredWeights
from brainseg.models.trained_on import BundleData
from brainseg.models.validation import Validation
from brainseg.preparation import KNOWN_VERSIONS
from brainseg.preparation import VERSION as PREPARATION_VERSION

DESCRIPTION = "bundle.json"
FORMAT: Literal[4] = 4
"""The newest format of bundles, which is the one that is written. Format 1 had neither checksum nor guard, format 2 no
calibration, and format 3 no operating point."""
CHECKSUM = "content_sha256"
"""The field with the checksum over all other fields, from format 2 on, which reveals edited values."""
SINCE_FORMAT_2 = frozenset({CHECKSUM, "guard", "heatmap_method", "heatmap_stage", "calibration", "operating_point"})
TaskName = Literal["classify", "segment"]
HeadName = Literal["concat-pool", "local", "logistic", "svm", "u-net"]
HEADS = {"classify": ("concat-pool", "local", "logistic", "svm"), "segment": ("u-net",)}
"""Task -> the heads that its networks may have."""
DATA_OF_FORMAT_1 = frozenset({"fingerprint", "images"})


class NetworkFacts(TypedDict):
    """The fields of `BundleDescription` that a task sets: those that are needed to rebuild its network."""

    task: TaskName
    head: HeadName
    dropout: float
    classes: Sequence[str]
    positive: str | None
    modalities: NotRequired[Sequence[str] | None]
    channels: NotRequired[Sequence[str]]
    self_attention: NotRequired[bool]
    bottleneck: NotRequired[bool]
    heatmap_method: NotRequired[HeatmapMethod]
    heatmap_stage: NotRequired[int | None]


class BundleFacts(NetworkFacts):
    """The fields of `BundleDescription` that a training sets."""

    name: str
    arch: Architecture
    stages: tuple[int, ...]
    preparation: PreparationConfig
    pretraining: StoredWeights
    data: BundleData
    validation: Validation
    calibration: NotRequired[CalibrationState]


def _is_a_class(positive: str | None, info: ValidationInfo) -> str | None:
    if positive is not None and positive not in info.data.get("classes", ()):
        raise ValueError("one of the classes")
    return positive


PositiveClass = Annotated[str | None, AfterValidator(_is_a_class)]
"""The class that counts as tumour, one of the field `classes` before it; None with more than two classes."""


class BundleDescription(BaseModel):
    """The content of `bundle.json`; unknown fields and values are refused.

    `pretraining`, `data` and `validation` may have other fields too, or lack some.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1, 2, 3, 4] = FORMAT
    disclaimer: str = brainseg.DISCLAIMER
    name: str
    task: TaskName = "classify"
    arch: Architecture
    head: HeadName
    stages: tuple[Annotated[int, Field(ge=1, le=4)], ...] = Field(min_length=1)
    dropout: float = Field(ge=0, lt=1)
    classes: tuple[str, ...] = Field(min_length=2)
    positive: PositiveClass
    modalities: tuple[str, ...] | None = Field(None, min_length=1, max_length=3)
    channels: tuple[str, ...] = Field((), max_length=3)
    self_attention: bool = False
    bottleneck: bool = False
    heatmap_method: HeatmapMethod = "grad-cam"
    heatmap_stage: int | None = Field(None, ge=1, le=4)
    preparation: PreparationConfig
    preparation_version: int
    weights_sha256: str
    pretraining: StoredWeights
    data: BundleData
    validation: Validation
    libraries: dict[str, str]
    brainseg: str = brainseg.__version__
    created: str
    guard: GuardDescription | None = None
    calibration: CalibrationState = None
    operating_point: OperatingPoint | None = None
    content_sha256: str | None = None

    @property
    def decides(self) -> OperatingPoint:
        """How the model decides."""
        return self.operating_point or DEFAULT

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

    @field_validator("head")
    @classmethod
    def _fits_the_task(cls, head: str, info: ValidationInfo) -> str:
        if head not in HEADS.get(info.data.get("task", ""), ()):
            raise ValueError("a head that fits the task")
        return head

    @field_validator("heatmap_stage")
    @classmethod
    def _is_a_stage(cls, stage: int | None, info: ValidationInfo) -> int | None:
        if stage is not None and stage > max(info.data.get("stages", (4,))):
            raise ValueError("a stage of the network")
        return stage

    @field_validator("operating_point")
    @classmethod
    def _has_its_class(cls, point: OperatingPoint | None, info: ValidationInfo) -> OperatingPoint | None:
        if point is not None and point.threshold is not None and info.data.get("positive") is None:
            raise ValueError("a threshold only for a model with a positive class")
        return point


def read_description(folder: Path) -> BundleDescription:
    """Read and check `bundle.json` alone, without loading the model.

    Raises:
        BundleError: The file is missing, damaged, of a newer format, or holds unknown values.
    """
    file = folder / DESCRIPTION
    if not is_own_file(file):
        raise BundleError(
            f"{folder} contains no model bundle ({DESCRIPTION} is missing): choose another run or train again."
        )
    try:
        values = json.loads(file.read_text("utf-8"))
        refuse_newer(file, values, FORMAT)
        description = BundleDescription.model_validate(values)
    except (OSError, ValueError, RecursionError) as error:
        place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        field = f" (field {'.'.join(map(str, place))})" if place else ""
        raise BundleError(
            f"{file} is damaged or was not written by brainseg{field}: choose another run or train again."
        ) from error
    if not _checksum_fits(description, values):
        raise BundleError(
            f"{file} was changed after the training wrote it, so the model's answers cannot be trusted: choose another "
            "run or train again."
        )
    if description.preparation_version not in KNOWN_VERSIONS:
        raise BundleError(
            f"{description.name} was made with preparation version {description.preparation_version}, but this "
            f"brainseg has version {PREPARATION_VERSION}: train it again."
        )
    return description


def refuse_newer(file: Path, values: object, known: int) -> None:
    """Refuse the content of a file whose field `format` is above the newest that this brainseg reads.

    Raises:
        BundleError: Names the file and both formats.
    """
    number = values.get("format") if isinstance(values, dict) else None
    if isinstance(number, int) and number > known:
        raise BundleError(
            f"{file} was written by a newer brainseg (field format is {number}, but this version reads only up to "
            f"{known}): install a newer brainseg."
        )


def content_digest(values: dict[str, Any]) -> str:
    """Return the SHA-256 over `bundle.json` without the checksum; white space and order do not matter."""
    content = {name: value for name, value in values.items() if name != CHECKSUM}
    return sha256_bytes(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def _checksum_fits(description: BundleDescription, values: dict[str, Any]) -> bool:
    """Return whether the checksum fits; format 1 had none.

    A newer bundle without its checksum is not accepted as an old one, since it has fields that format 1 lacked.
    """
    if description.format == 1:
        newer = SINCE_FORMAT_2 & set(values) or set(values["data"]) - DATA_OF_FORMAT_1
        return not newer and description.preparation_version == 1
    return description.content_sha256 == content_digest(values)


def bundle_digest(folder: Path, description: BundleDescription) -> str:
    """Return the SHA-256 over a bundle's files, 64 hexadecimal digits; the first 12 are the model's version."""
    return sha256_bytes((description.weights_sha256 + (folder / DESCRIPTION).read_text("utf-8")).encode())


def is_own_file(file: Path) -> bool:
    """Return whether this is a regular file, not a link, which might lead out of the folder."""
    return file.is_file() and not file.is_symlink()
