"""`exports.json`: the exported files of a run, and how far each backend's answers differ from those of torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

import brainseg
from brainseg.errors import BundleError
from brainseg.files import sha256_file, write_json
from brainseg.models.description import CHECKSUM, content_digest, is_own_file, refuse_newer
from brainseg.models.export.names import BackendName, Precision
from brainseg.models.export.processor import processor

FILE = "exports.json"
LOGITS_FILE = "logits.safetensors"
"""A classifier's logits of the compared images, by backend: a later calibration or threshold is compared on them."""
FORMAT: Literal[1] = 1
TOLERANCE: dict[str, float] = {"fp32": 1e-3, "bf16": 2e-2}
"""Precision -> the largest difference of a probability from that of torch in fp32."""
DISTANCE_TOLERANCE: dict[str, float] = {"fp32": 0.01, "bf16": 0.1}
"""Precision -> the largest difference of the guard's distance, as a multiple of the guard's limit."""
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Comparison(BaseModel):
    """How far the answers of a backend differ from those of torch in fp32.

    Attributes:
        images: Number of compared images.
        largest_difference: Of a probability: of any class, and of masks at any pixel.
        decisions_changed: Images with another decision: another class, or a mask where torch marks nothing, or none
            where it marks something.
        pixels_changed: Of masks: the fraction of pixels with another class.
        distance_difference: Of the guard's distance, as a multiple of its limit; None without a guard.
    """

    model_config = _STRICT

    images: int = Field(ge=1)
    largest_difference: float = Field(ge=0)
    decisions_changed: int = Field(ge=0)
    pixels_changed: float | None = None
    distance_difference: float | None = None

    def passes(self, precision: Precision) -> bool:
        """Return whether answers may be given in this precision."""
        near = self.distance_difference is None or self.distance_difference <= DISTANCE_TOLERANCE[precision]
        return self.largest_difference <= TOLERANCE[precision] and not self.decisions_changed and near


class Check(BaseModel):
    """A comparison, and what it was made with.

    Attributes:
        backend: The backend.
        precision: Number format of its computation.
        processor: The kind of processor, see `processor.processor`.
        versions: Library -> its version.
        comparison: What was found, with the calibration and the threshold that the model had then.
        seconds: Median time of the network for one image.
        torch_seconds: The same for torch in fp32, measured in turn with it.
        created: When, in UTC.
    """

    model_config = _STRICT

    backend: BackendName
    precision: Precision
    processor: str
    versions: dict[str, str]
    comparison: Comparison
    seconds: float = Field(gt=0)
    torch_seconds: float = Field(gt=0)
    created: str

    @property
    def key(self) -> str:
        """Backend and precision in one word, the name of the stored logits."""
        return f"{self.backend}.{self.precision}"

    @property
    def holds_here(self) -> bool:
        """Whether it was made on this kind of processor; bf16 is computed differently on others."""
        return self.precision == "fp32" or self.processor == processor()


class ExportRecord(BaseModel):
    """The content of `exports.json`; unknown fields and values are refused.

    Attributes:
        name: The name of the bundle.
        weights_sha256: The weights that were exported.
        size: Side of the model's images, in pixels.
        files: Name of each file -> its SHA-256.
        checks: The comparisons.
    """

    model_config = _STRICT

    format: Literal[1] = FORMAT
    disclaimer: str = brainseg.DISCLAIMER
    name: str
    weights_sha256: str
    size: int
    files: dict[str, str]
    checks: tuple[Check, ...]
    brainseg: str = brainseg.__version__
    content_sha256: str | None = None

    def check(self, backend: str, precision: str) -> Check | None:
        """Return the comparison of a backend in a precision."""
        return next((each for each in self.checks if (each.backend, each.precision) == (backend, precision)), None)


def write_record(folder: Path, record: ExportRecord) -> None:
    """Write `exports.json` with its checksum, atomically."""
    values = record.model_dump(mode="json")
    write_json(folder / FILE, {**values, CHECKSUM: content_digest(values)})


def read_record(folder: Path) -> ExportRecord | None:
    """Read and check `exports.json`; return None if nothing was exported.

    Raises:
        BundleError: The file is damaged, was edited, or is of a newer brainseg.
    """
    file = folder / FILE
    if not is_own_file(file):
        return None
    again = "export the run again with `brainseg export`"
    try:
        values = json.loads(file.read_text("utf-8"))
        refuse_newer(file, values, FORMAT)
        record = ExportRecord.model_validate(values)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{file} is damaged or was not written by brainseg: {again}.") from error
    if record.content_sha256 != content_digest(values):
        raise BundleError(f"{file} was changed after it was written, so its models are not used: {again}.")
    return record


def checked_file(folder: Path, record: ExportRecord, name: str) -> Path:
    """Return the path of an exported file.

    Raises:
        BundleError: It is missing, or is not the one that was written.
    """
    file = folder / name
    if name not in record.files or not is_own_file(file) or sha256_file(file) != record.files[name]:
        raise BundleError(f"{file} is missing or was changed, so it is not used: export the run again.")
    return file
