"""The request of `predict`, and the parts of its answers that are the same for all tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NotRequired, final

from typing_extensions import TypedDict

from brainseg.diagnosis.table import Reliability
from brainseg.errors import ConfigError
from brainseg.models.ensemble import Ensemble
from brainseg.models.export.names import BackendChoice
from brainseg.models.trained_on import TrainedOn, joint_training

if TYPE_CHECKING:
    from brainseg.diagnosis.archive.table import Kind
    from brainseg.diagnosis.heatmap_checks.stored import StoredHeatmaps
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.segmenter import Segmenter
    from brainseg.monitoring import AnswerRecord


@dataclass(frozen=True)
class Request:
    """The images and the options of `predict`; an option that was not given is None.

    Attributes:
        files: The images.
        csv: Where the table of answers goes.
        cam: Where scan and heatmap go.
        explain: Class that the heatmap explains.
        method: How to draw the heatmap.
        layer: Residual stage of the heatmap.
        mask: Where the mask goes.
        overlay: Where scan and mask go.
        uncertainty: Whether to measure how stable the answers are.
        report: Where the report goes.
        backend: What may run the networks, see `models.export.serving`.
        heatmaps: What was measured on the heatmaps of each model, in their order; None where nothing was.
        ensemble: The stored ensemble that answers; None for a model, or for models that were only named together.
    """

    files: list[Path]
    csv: Path | None = None
    cam: Path | None = None
    explain: str | None = None
    method: str | None = None
    layer: int | None = None
    mask: Path | None = None
    overlay: Path | None = None
    uncertainty: bool = False
    ensemble: Ensemble | None = None
    report: Path | None = None
    heatmaps: Sequence[StoredHeatmaps | None] = ()
    backend: BackendChoice = "auto"


@final
class Failure(Reliability):
    """What is known of an image that got no answer; `file` has several names for a slice of several files."""

    file: str
    error: str


class Answer(Reliability):
    """The parts of an answer that are the same for all tasks.

    Attributes:
        backend: The library that ran the network: "torch", "onnx" or "openvino"; several models may have several,
            joined by a plus.
        precision: Number format of its computation: "fp32" or "bf16".
    """

    file: str
    headline: str
    model: str
    backend: str
    precision: str
    seconds: float


class StoredUncertainty(TypedDict):
    """How stable an answer is; see `diagnosis.uncertainty.Uncertainty`, `views` without the image as it is."""

    entropy: float
    views: int
    changed_views: int
    view_low: float
    view_high: float
    view_deviation: float
    dropout_deviation: float | None
    mutual_information: float | None
    sentence: str


class Member(Reliability):
    """The answer of one member of an ensemble."""

    model: str
    probabilities: dict[str, float]
    uncertainty: NotRequired[StoredUncertainty]


@final
class ClassAnswer(Answer):
    """The answer of a classifier or an ensemble; see `Diagnosis` and `Consensus`.

    Attributes:
        outcome: The class, "not certain" or "not like the training images".
        threshold: The positive class is predicted from this probability on; None if the highest probability decides.
        margin: How far the predicted class is ahead of the next one; see `models.operating_point.Decision`.
        prediction_set: The classes that the image may have at the model's stated coverage; None without sets.
        calibrated: Whether the probabilities are calibrated; otherwise they are a network's own scores.
        n: The number of images that they were calibrated on; None if they are not calibrated.
        cam: The file of the heatmap.
        report: The file of the report on all images.
    """

    label: str
    outcome: str
    probabilities: dict[str, float]
    threshold: float | None
    margin: float
    prediction_set: list[str] | None
    calibrated: bool
    n: int | None
    explained: str
    method: str
    layer: str
    spread: NotRequired[dict[str, float]]
    deviation: NotRequired[dict[str, float]]
    members: NotRequired[list[Member]]
    uncertainty: NotRequired[StoredUncertainty]
    cam: NotRequired[str]
    report: NotRequired[str]


class MarkedRegion(TypedDict):
    """One region of a mask; see `Region`."""

    pixels: int
    area: float
    diameter: float
    centre: tuple[float, float]


@final
class MaskAnswer(Answer):
    """The answer of a segmentation model; see `Segmentation`. `mask`, `overlay` and `report` are the files written."""

    sentence: str
    area: float
    area_unit: str
    areas: dict[str, float]
    diameter: float
    length_unit: str
    regions: list[MarkedRegion]
    mask: NotRequired[str]
    overlay: NotRequired[str]
    report: NotRequired[str]


class Answers(NamedTuple):
    """The answers to a request: as values that JSON can hold, one per image, and as CSV."""

    values: Sequence[ClassAnswer | MaskAnswer | Failure]
    table: str


class Row(NamedTuple):
    """The answer for a file as cells by column, and what the log keeps of it; None where there is only an error."""

    cells: dict[str, object]
    record: AnswerRecord | None


@dataclass(frozen=True)
class Answering:
    """Opened models that answer many files without drawing anything.

    Attributes:
        models: The models.
        digest: SHA-256 of the bundle or of the stored ensemble; those of several models joined by a plus.
        columns: Column -> kind, in their order.
        batch: Files that are answered together.
        answer: Returns the rows of a batch of files; several threads may call it.
        failed: Returns the cells for a file without an answer, from the sentence that says why.
    """

    models: Sequence[Predictor | Segmenter]
    digest: str
    columns: Mapping[str, Kind]
    batch: int
    answer: Callable[[Sequence[Path]], Sequence[Row]]
    failed: Callable[[str], dict[str, object]]

    @property
    def model(self) -> str:
        """Names and versions of the models."""
        return ", ".join(each.name for each in self.models)

    @property
    def backend(self) -> str:
        """The libraries that run the networks, each once, joined by a plus."""
        return "+".join(dict.fromkeys(each.backend.name for each in self.models))

    @property
    def precision(self) -> str:
        """The number formats of their computations, each once, joined by a plus."""
        return "+".join(dict.fromkeys(each.backend.precision for each in self.models))


def failure(file: str, error: str, models: Sequence[Predictor | Segmenter]) -> Failure:
    """Return what is known of an image that got no answer, as values that JSON can hold."""
    return {
        "file": file,
        "error": error,
        "in_domain": None,
        "warnings": [],
        "trained_on": joint_training(TrainedOn.of(each.description.data) for each in models).to_dict(),
        "image_sha256": None,
        "bundle_digest": "+".join(each.bundle.digest for each in models),
    }


def check_choice(option: str, value: object, allowed: Collection[object]) -> None:
    """Refuse a value that an option does not allow.

    Raises:
        ConfigError: Names the option and what it allows.
    """
    if value not in allowed:
        choices = ", ".join(str(each) for each in allowed if each is not None)
        raise ConfigError(f"{option} must be one of {choices}, not {value}.")
