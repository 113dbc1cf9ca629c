"""An ensemble as it is stored: which models it joins, and how their mean answers; read and checked without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

import brainseg
from brainseg.errors import BundleError
from brainseg.files import write_json
from brainseg.models.calibration import CalibrationState
from brainseg.models.description import (
    CHECKSUM,
    BundleDescription,
    PositiveClass,
    content_digest,
    is_own_file,
    refuse_newer,
)
from brainseg.models.operating_point import DEFAULT, OperatingPoint
from brainseg.models.validation import Interval, Validation

FILE = "ensemble.json"
FORMAT: Literal[1] = 1
LEAST_MEMBERS, MOST_MEMBERS = 2, 5
"""Fewest and most members; all of them fit into memory beside another model."""
_DIGITS = 12
_STRICT = ConfigDict(extra="forbid", frozen=True)


def mean_probabilities(members: np.ndarray) -> np.ndarray:
    """Return the answer of an ensemble: the mean of its members' probabilities.

    Diagnoses and evaluations both use this function, so that an evaluation measures what a diagnosis answers.

    Args:
        members: (M, ..., C) float, the probabilities of each of the M members; each row of C classes sums to 1.

    Returns:
        (..., C) float64.

    References:
        B. Lakshminarayanan, A. Pritzel and C. Blundell (2017), "Simple and scalable predictive uncertainty estimation
        using deep ensembles", NeurIPS, equation for the mean of the members' predictive distributions.

    Examples:
        >>> mean_probabilities(np.array([[0.9, 0.1], [0.5, 0.5]])).tolist()
        [0.7, 0.3]
    """
    means: np.ndarray = np.asarray(members, dtype=np.float64).mean(axis=0)
    return means


class MemberModel(BaseModel):
    """A member of an ensemble.

    Attributes:
        run: Id of its run.
        name: Name of its run when the ensemble was made.
        digest: SHA-256 of its bundle at that time.
        accuracy: Its accuracy on the images on which the ensemble was evaluated.
        accuracy_interval: The 95 % interval of that.
    """

    model_config = _STRICT

    run: str
    name: str
    digest: str
    accuracy: float = Field(ge=0, le=1)
    accuracy_interval: Interval = None


class EnsembleDescription(BaseModel):
    """The content of `ensemble.json`; unknown fields and values are refused.

    Attributes:
        name: Name of its run when it was made.
        members: Its members, in the order in which they were named.
        classes: The classes of all members, in the order of the first.
        positive: The class that counts as tumour; None with more than two classes.
        validation: How well it did on images from which no member learned.
        calibration: How the mean probabilities are calibrated, or why they are not.
        operating_point: How it decides; None: the highest probability.
    """

    model_config = _STRICT

    format: Literal[1] = FORMAT
    disclaimer: str = brainseg.DISCLAIMER
    name: str
    members: tuple[MemberModel, ...] = Field(min_length=LEAST_MEMBERS, max_length=MOST_MEMBERS)
    classes: tuple[str, ...] = Field(min_length=2)
    positive: PositiveClass
    validation: Validation
    calibration: CalibrationState = None
    operating_point: OperatingPoint | None = None
    brainseg: str = brainseg.__version__
    created: str
    content_sha256: str | None = None

    @property
    def decides(self) -> OperatingPoint:
        """How the ensemble decides."""
        return self.operating_point or DEFAULT


ModelDescription = BundleDescription | EnsembleDescription
"""What is stored of a model: of a network its bundle's description, of an ensemble its own."""


@dataclass(frozen=True)
class Ensemble:
    """A stored ensemble, checked.

    Attributes:
        description: The content of its file.
        digest: SHA-256 over that, 64 hexadecimal digits; it covers the digests of the members.
    """

    description: EnsembleDescription
    digest: str

    @property
    def version(self) -> str:
        """The first 12 digits of the digest."""
        return self.digest[:_DIGITS]

    @property
    def name(self) -> str:
        """Name and version, as shown beside every answer."""
        return f"{self.description.name} ({self.version})"


def write_ensemble(folder: Path, description: EnsembleDescription) -> str:
    """Write `ensemble.json` with its checksum, atomically, and return the digest."""
    values = description.model_dump(mode="json")
    digest = content_digest(values)
    write_json(folder / FILE, {**values, CHECKSUM: digest})
    return digest


def read_ensemble(folder: Path) -> Ensemble:
    """Read and check `ensemble.json`.

    Raises:
        BundleError: The file is missing, damaged, edited or of a newer format.
    """
    file = folder / FILE
    remedy = "make the ensemble again with `brainseg ensemble`"
    if not is_own_file(file):
        raise BundleError(f"{file} is missing: {remedy}.")
    try:
        values = json.loads(file.read_text("utf-8"))
        refuse_newer(file, values, FORMAT)
        description = EnsembleDescription.model_validate(values)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{file} is damaged or was not written by brainseg: {remedy}.") from error
    digest = content_digest(values)
    if description.content_sha256 != digest:
        raise BundleError(f"{file} was changed after it was written, so its answers cannot be trusted: {remedy}.")
    return Ensemble(description, digest)
