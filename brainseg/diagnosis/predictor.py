"""`Predictor`: diagnoses scans with a bundle. Any number of threads may share one instance."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from brainseg.diagnosis.calibrated import Certainty
from brainseg.diagnosis.doubts import decides_words, doubts_of, model_doubts, outcome_of
from brainseg.diagnosis.drawing import draw_heatmap
from brainseg.diagnosis.gradcam import logits_maps_and_deepest
from brainseg.diagnosis.guard import assess
from brainseg.diagnosis.methods import DEFAULT, METHODS, heatmap_title
from brainseg.errors import BundleError
from brainseg.models.architectures import Classifier
from brainseg.models.bundle import Bundle, BundleDescription, load_bundle_for
from brainseg.models.calibration import CalibrationState, sets_of, temperature_of
from brainseg.models.conformal import prediction_set
from brainseg.models.inputs import normalise, on_device, to_batch
from brainseg.models.operating_point import DEFAULT as DEFAULT_POINT
from brainseg.models.operating_point import Decision, OperatingPoint, decide
from brainseg.models.trained_on import UNKNOWN, TrainedOn
from brainseg.preparation import Prepared, prepare
from brainseg.scans import Scan


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The answer of a model for one scan.

    Attributes:
        label: The predicted class; see `models.operating_point.decide`.
        probabilities: Class name -> probability, in class order; they sum to 1.
        explained: The class that the map explains.
        cam: (S, S) float32 in 0..1, the map on the prepared square.
        heatmap: (H, W) float32 in 0..1, the same map on the scan; 0 outside the part that the model saw.
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


class Predictor:
    """Diagnoses scans with one model; keeps no state between scans.

    Args:
        bundle: The model.
        device: Where to run it.
    """

    def __init__(self, bundle: Bundle[Classifier], device: str = "cpu") -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        self.model = on_device(bundle.model, self.device).eval().requires_grad_(False)

    @classmethod
    def open(cls, folder: Path, device: str = "cpu") -> Predictor:
        """Load the bundle in `folder`.

        Raises:
            BundleError: The bundle is missing, damaged or changed, or holds a segmentation model.
        """
        return cls(load_bundle_for(Classifier, folder), device)

    @property
    def description(self) -> BundleDescription:
        """The bundle's description."""
        return self.bundle.description

    @property
    def name(self) -> str:
        """Name and version of the model, as shown beside every answer."""
        return f"{self.description.name} ({self.bundle.version})"

    @property
    def stages(self) -> tuple[int, ...]:
        """The residual stages that a heatmap can be taken from, shallow to deep."""
        return tuple(range(1, self.model.body.stages[-1] + 1))

    def heatmap_choice(self, method: str | None = None, stage: int | None = None) -> tuple[str, int]:
        """Return the method and the stage of a heatmap; what is None is the model's own choice.

        The model's own stage applies to its own method only; any other method uses its default, mostly the last stage.
        """
        own = self.description.heatmap_method
        if stage is None:
            last, known = self.stages[-1], METHODS.get(method or own)
            stage = method in (None, own) and self.description.heatmap_stage
            stage = stage or (known.default_stage(last) if known else last)
        return method or own, stage

    def diagnose(
        self, scan: Scan, explain: str | None = None, method: str | None = None, stage: int | None = None
    ) -> Diagnosis:
        """Classify one scan and draw the heatmap of a class.

        Args:
            scan: From `scans.read_scan`.
            explain: The class to explain; the predicted one by default.
            method: How to draw the heatmap, a key of `methods.METHODS`; the model's own by default.
            stage: The residual stage to take it from, one of `stages`; see `heatmap_choice` for the default.

        Raises:
            ValueError: `explain` is not a class of the model, or the method or stage does not exist.
            BundleError: The network returns values that are not numbers.
        """
        started = time.perf_counter()
        classes = self.description.classes
        method, stage = self.heatmap_choice(method, stage)
        for name, value, allowed in (
            ("explain", explain, (None, *classes)),
            ("method", method, METHODS),
            ("stage", stage, self.stages),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {[each for each in allowed if each]}, got {value!r}.")
        prepared = self.prepare(scan)
        image = self.input_of(prepared)
        logits, maps, deepest = logits_maps_and_deepest(self.model, image, stage)
        temperature = temperature_of(self.description.calibration)
        scores = torch.softmax(logits.detach().double() / temperature, dim=1)[0].tolist()
        if not np.isfinite(scores).all():
            raise BundleError(f"{self.name} returned values that are not numbers for {scan.name}: train it again.")
        point, positive = self.description.decides, self.description.positive
        probabilities = dict(zip(classes, scores, strict=True))
        label = decide(probabilities, positive, point).label
        explained = explain or label
        cam = draw_heatmap(self.model, image, classes.index(explained), method, stage, (logits, maps))
        features = deepest.mean((2, 3))[0].float().cpu().numpy()
        verdict = assess(self.bundle.guard, scan.pixels, features)
        return Diagnosis(
            label=label,
            probabilities=probabilities,
            explained=explained,
            cam=cam,
            heatmap=prepared.geometry.to_scan(cam),
            seconds=time.perf_counter() - started,
            model=self.name,
            version=self.bundle.version,
            method=method,
            stage=stage,
            in_domain=verdict.in_domain,
            reasons=verdict.reasons,
            distance=verdict.distance,
            trained_on=TrainedOn.of(self.description.data),
            model_doubts=model_doubts(self.description.validation, len(classes)),
            digest=self.bundle.digest,
            image_sha256=scan.sha256,
            calibration=self.description.calibration,
            features=features,
            point=point,
            positive=positive,
        )

    def prepare(self, scan: Scan) -> Prepared:
        """Return the square that the model sees of a scan."""
        return prepare(scan.pixels_of(self.description.preparation_version), self.description.preparation)

    def input_of(self, prepared: Prepared) -> torch.Tensor:
        """Return a prepared square as the network receives it, (1, 3, S, S) float32."""
        batch = to_batch(prepared.pixels[None]).to(self.device)
        image = normalise(batch, self.description.preparation.normalise)
        return image.contiguous(memory_format=torch.channels_last)

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) float64 probabilities for (N, 3, S, S) images as from `input_of`."""
        with torch.no_grad():
            logits = self.model(images.to(self.device).contiguous(memory_format=torch.channels_last))
        return torch.softmax(logits.double() / temperature_of(self.description.calibration), dim=1).cpu()

    def seconds(self, scan: Scan) -> float:
        """Return how long `diagnose` takes for a scan, in seconds."""
        return self.diagnose(scan).seconds
