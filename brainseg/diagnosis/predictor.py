"""`Predictor`: diagnoses scans with a bundle. Any number of threads may share one instance."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.doubts import model_doubts
from brainseg.diagnosis.drawing import draw_heatmap
from brainseg.diagnosis.gradcam import logits_maps_and_deepest
from brainseg.diagnosis.guard import assess
from brainseg.diagnosis.methods import METHODS
from brainseg.errors import BundleError
from brainseg.models.architectures import Classifier
from brainseg.models.bundle import Bundle, BundleDescription, load_bundle_for
from brainseg.models.calibration import temperature_of
from brainseg.models.inputs import normalise, on_device, to_batch
from brainseg.models.operating_point import decide
from brainseg.models.trained_on import TrainedOn
from brainseg.preparation import Prepared, prepare
from brainseg.scans import Scan


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
        temperature, values = temperature_of(self.description.calibration), logits.detach().double()
        scores = torch.softmax(values / temperature, dim=1)[0].tolist()
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
            uncalibrated=dict(zip(classes, torch.softmax(values, dim=1)[0].tolist(), strict=True)),
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
