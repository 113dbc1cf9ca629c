"""`Predictor`: diagnoses scans with a bundle. Any number of threads may share one instance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.doubts import model_doubts
from brainseg.diagnosis.drawing import draw_heatmap
from brainseg.diagnosis.gradcam import MAPS, logits_maps_and_deepest
from brainseg.diagnosis.guard import assess
from brainseg.diagnosis.methods import METHODS
from brainseg.errors import BundleError
from brainseg.models.architectures import Classifier
from brainseg.models.bundle import Bundle, BundleDescription, load_bundle_for
from brainseg.models.calibration import temperature_of
from brainseg.models.export.backends import Backend, TorchBackend, run
from brainseg.models.export.graphs import maps_of
from brainseg.models.export.names import BackendChoice
from brainseg.models.export.serving import open_backend
from brainseg.models.inputs import normalise, on_device, to_batch
from brainseg.models.one_thread import one_thread
from brainseg.models.operating_point import decide
from brainseg.models.trained_on import TrainedOn
from brainseg.preparation import Prepared, prepare
from brainseg.scans import Scan


class Passed(NamedTuple):
    """A pass of one image through the network.

    Attributes:
        logits: (1, classes), which can be differentiated with respect to the last map.
        maps: The maps up to the stage, as in `gradcam.logits_and_maps`.
        deepest: (1, C, h, w), the map of the last stage.
        stage: The residual stage of the last map.
    """

    logits: torch.Tensor
    maps: list[torch.Tensor]
    deepest: torch.Tensor
    stage: int


class Predictor:
    """Diagnoses scans with one model; keeps no state between scans.

    Args:
        bundle: The model.
        device: Where to run it.
        backend: What runs the network; by default torch in fp32.
    """

    def __init__(self, bundle: Bundle[Classifier], device: str = "cpu", backend: Backend | None = None) -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        self.model = on_device(bundle.model, self.device).eval().requires_grad_(False)
        self.backend: Backend = backend or TorchBackend(self.model)

    @classmethod
    def open(cls, folder: Path, device: str = "cpu", backend: BackendChoice | None = None) -> Predictor:
        """Load the bundle in `folder`.

        Args:
            folder: The folder; exports of the model are beside it.
            device: Where to run it.
            backend: What may run the network, see `serving.open_backend`; None for torch in fp32, which measurements
                use.

        Raises:
            BundleError: The bundle is missing, damaged or changed, or holds a segmentation model.
            BackendError: The backend may not answer for this model.
        """
        opened = cls(load_bundle_for(Classifier, folder), device)
        if backend:
            opened.backend = open_backend(opened.bundle, folder, backend, opened.device)
        return opened

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
        return self.diagnose_all([scan], explain, method, stage)[0]

    def diagnose_all(
        self,
        scans: Sequence[Scan],
        explain: str | None = None,
        method: str | None = None,
        stage: int | None = None,
        heatmaps: bool = True,
    ) -> list[Diagnosis]:
        """Classify scans in one batch.

        Args:
            scans: From `scans.read_scan`; all are prepared and in memory at the same time.
            explain: As for `diagnose`.
            method: As for `diagnose`.
            stage: As for `diagnose`.
            heatmaps: Whether to draw them; without, `cam` and `heatmap` of an answer are empty.

        Returns:
            The answers, in the order of the scans. `seconds` of each is its part of the time of the batch.

        Raises:
            ValueError: As for `diagnose`.
            BundleError: As for `diagnose`.
        """
        started = time.perf_counter()
        method, stage = self._allowed(explain, *self.heatmap_choice(method, stage))
        prepared = [self.prepare(scan) for scan in scans]
        images = self.input_of(*prepared)
        if heatmaps and self._differentiates(method, stage):
            passes = [self._pass(images[row : row + 1], stage) for row in range(len(scans))]
        else:
            maps = self.maps(images)
            with one_thread():
                passes = self._through_head(maps, heatmaps)
        shared = (time.perf_counter() - started) / len(scans)
        answers = []
        for row, (scan, square, passed) in enumerate(zip(scans, prepared, passes, strict=True)):
            image = images[row : row + 1] if heatmaps else None
            answers.append(self._answer(scan, square, passed, image, explain, (method, stage), shared))
        return answers

    def _allowed(self, explain: str | None, method: str, stage: int) -> tuple[str, int]:
        for name, value, allowed in (
            ("explain", explain, (None, *self.description.classes)),
            ("method", method, METHODS),
            ("stage", stage, self.stages),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {[each for each in allowed if each]}, got {value!r}.")
        return method, stage

    def _differentiates(self, method: str, stage: int) -> bool:
        """Return whether torch in fp32 computes answer and heatmap in one pass, which is then split at the stage."""
        own = isinstance(self.backend, TorchBackend) and self.backend.precision == "fp32"
        return own and (METHODS[method].base or method) in MAPS and stage < self.stages[-1]

    def _pass(self, images: torch.Tensor, stage: int) -> Passed:
        """Run the network in torch, with gradients after a stage."""
        logits, maps, deepest = logits_maps_and_deepest(self.model, images, stage)
        return Passed(logits, maps, deepest, stage)

    def _through_head(self, maps: list[torch.Tensor], gradients: bool) -> list[Passed]:
        """Run the head alone, if needed with gradients for the last stage's map, and return the pass of each image."""
        if not gradients:
            with torch.no_grad():
                logits = self.model.head(maps)
        passes = []
        for row in range(len(maps[-1])):
            own = [values[row : row + 1] for values in maps]
            if gradients:
                own[-1] = own[-1].detach().requires_grad_()
                with torch.enable_grad():
                    found = self.model.head(own)
            else:
                found = logits[row : row + 1]
            passes.append(Passed(found, own, own[-1].detach(), self.stages[-1]))
        return passes

    def _answer(
        self,
        scan: Scan,
        prepared: Prepared,
        passed: Passed,
        image: torch.Tensor | None,
        explain: str | None,
        way: tuple[str, int],
        before: float,
    ) -> Diagnosis:
        """Return the answer for one scan from the network's pass; without `image`, no heatmap is drawn."""
        started = time.perf_counter()
        classes, (method, stage) = self.description.classes, way
        temperature, values = temperature_of(self.description.calibration), passed.logits.detach().double()
        scores = torch.softmax(values / temperature, dim=1)[0].tolist()
        if not np.isfinite(scores).all():
            raise BundleError(f"{self.name} returned values that are not numbers for {scan.name}: train it again.")
        point, positive = self.description.decides, self.description.positive
        probabilities = dict(zip(classes, scores, strict=True))
        label = decide(probabilities, positive, point).label
        explained = explain or label
        cam = heatmap = np.zeros((0, 0), np.float32)
        if image is not None:
            known = (passed.logits, passed.maps) if passed.stage == stage else None
            again = known is None or (METHODS[method].base or method) not in MAPS  # then the network runs again
            with nullcontext() if again else one_thread():
                cam = draw_heatmap(self.model, image, classes.index(explained), method, stage, known)
            heatmap = prepared.geometry.to_scan(cam)
        features = passed.deepest.mean((2, 3))[0].float().cpu().numpy()
        verdict = assess(self.bundle.guard, scan.pixels, features)
        return Diagnosis(
            label=label,
            probabilities=probabilities,
            explained=explained,
            cam=cam,
            heatmap=heatmap,
            seconds=before + time.perf_counter() - started,
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
            backend=self.backend.name,
            precision=self.backend.precision,
        )

    def prepare(self, scan: Scan) -> Prepared:
        """Return the square that the model sees of a scan."""
        return prepare(scan.pixels_of(self.description.preparation_version), self.description.preparation)

    def input_of(self, *prepared: Prepared) -> torch.Tensor:
        """Return prepared squares as the network receives them, (N, 3, S, S) float32."""
        with one_thread():
            batch = to_batch(np.stack([each.pixels for each in prepared])).to(self.device)
            image = normalise(batch, self.description.preparation.normalise)
            return image.contiguous(memory_format=torch.channels_last)

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps that the head uses, (N, C, h, w) float32 each, shallow to deep, from this model's backend.

        Args:
            images: (N, 3, S, S), as from `input_of`.
        """
        return run(self.backend, self.model, images, maps_of(self.model))

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) float64 probabilities for (N, 3, S, S) images as from `input_of`."""
        with torch.no_grad():
            logits = self.model(images.to(self.device).contiguous(memory_format=torch.channels_last))
        return torch.softmax(logits.double() / temperature_of(self.description.calibration), dim=1).cpu()

    def seconds(self, scan: Scan) -> float:
        """Return how long `diagnose` takes for a scan, in seconds."""
        return self.diagnose(scan).seconds
