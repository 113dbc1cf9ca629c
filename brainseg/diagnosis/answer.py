"""`Diagnosis`: the answer of a classifier for one scan."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from brainseg.diagnosis.calibrated import Certainty
from brainseg.diagnosis.doubts import decides_words, doubts_of, outcome_of
from brainseg.diagnosis.methods import DEFAULT, heatmap_title
from brainseg.models.calibration import CalibrationState, sets_of
from brainseg.models.conformal import prediction_set
from brainseg.models.operating_point import DEFAULT as DEFAULT_POINT
from brainseg.models.operating_point import Decision, OperatingPoint, decide
from brainseg.models.trained_on import UNKNOWN, TrainedOn


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The answer of a model for one scan.

    Attributes:
        label: The predicted class; see `models.operating_point.decide`.
        probabilities: Class name -> probability, in class order; they sum to 1.
        explained: The class that the map explains.
        cam: (S, S) float32 in 0..1, the map on the prepared square; (0, 0) if none was asked for.
        heatmap: (H, W) float32 in 0..1, the same map on the scan; 0 outside the part that the model saw. (0, 0) if none
            was asked for.
        seconds: Time from scan to answer, including preparation and map.
        model: Name and version of the model.
        version: The version alone, 12 hexadecimal digits.
        method: How the map was drawn, a key of `methods.METHODS`.
        stage: The residual stage that it was taken from.
        trained_on: What the model was trained on.
        in_domain: Whether the image resembles the model's training images; None if the bundle has no guard.
        reasons: Why it does not, as parts of a sentence.
        model_doubts: Sentences on what makes every answer of the model doubtful.
        digest: The SHA-256 of the bundle.
        image_sha256: The SHA-256 of the image file.
        calibration: How the probabilities are calibrated, or why they are not.
        features: (F,) float32, the mean of each map of the last stage.
        distance: Distance of the features from those of the training images, as a multiple of the guard's limit; None
            if the bundle has no guard.
        point: How the model decides.
        positive: The class that the threshold is of; None if there is none.
        uncalibrated: Class name -> what the network gave before the calibration, which a stored ensemble averages.
        backend: The library that ran the network: "torch", "onnx" or "openvino".
        precision: Number format of the network's computation: "fp32" or "bf16".
    """

    label: str
    probabilities: dict[str, float]
    explained: str
    cam: np.ndarray
    heatmap: np.ndarray
    seconds: float
    model: str
    version: str = ""
    method: str = DEFAULT
    stage: int = 4
    trained_on: TrainedOn = UNKNOWN
    in_domain: bool | None = None
    reasons: tuple[str, ...] = ()
    model_doubts: tuple[str, ...] = ()
    digest: str = ""
    image_sha256: str = ""
    calibration: CalibrationState = None
    features: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    distance: float | None = None
    point: OperatingPoint = DEFAULT_POINT
    positive: str | None = None
    uncalibrated: dict[str, float] = field(default_factory=dict)
    backend: str = "torch"
    precision: str = "fp32"

    @property
    def origin(self) -> str:
        """What the model was trained on, in words."""
        return self.trained_on.sentence

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the answer doubtful, most serious first."""
        return doubts_of(self)

    @property
    def heatmap_title(self) -> str:
        """What the heatmap shows."""
        return heatmap_title(self.explained, (self.method, self.stage))

    @property
    def sentence(self) -> str:
        """The decision in words."""
        certainty, value = self.certainty, self.certainty.write(self.probabilities[self.label])
        basis = certainty.short + decides_words(self)
        return f"{self.model} predicts {self.label} with a {certainty.noun} of {value} ({basis})."

    @property
    def certainty(self) -> Certainty:
        """How the probabilities are to be read and written."""
        return Certainty((self.calibration,))

    @property
    def prediction_set(self) -> tuple[str, ...] | None:
        """The classes that the image may have, most probable first; None if the model has no prediction sets."""
        sets = sets_of(self.calibration)
        return prediction_set(self.probabilities, sets) if sets else None

    @property
    def decision(self) -> Decision:
        """What the model decides, and how clearly."""
        return decide(self.probabilities, self.positive, self.point)

    @property
    def outcome(self) -> str:
        """The class, "not certain" or "not like the training images": what a reader may take from the answer."""
        return outcome_of(self)
