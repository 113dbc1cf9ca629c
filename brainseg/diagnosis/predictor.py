"""`Predictor`: a bundle applied to a scan. One instance may serve any number of threads."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from brainseg.diagnosis.gradcam import enlarge, grad_cam, logits_and_maps
from brainseg.diagnosis.words import percent
from brainseg.models.bundle import Bundle, BundleDescription, load_bundle_for
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation import prepare
from brainseg.scans import Scan


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What a model says of one scan.

    Attributes:
        label: The class with the highest probability.
        probabilities: Class name -> probability, in class order; they sum to 1.
        explained: The class that the map explains.
        cam: (S, S) float32 in 0..1, on the prepared square.
        heatmap: (H, W) float32 in 0..1, the same map on the scan; 0 outside the part that the model saw.
        seconds: Time from scan to answer, preparation and map included.
        model: Name and version of the model.
    """

    label: str
    probabilities: dict[str, float]
    explained: str
    cam: np.ndarray
    heatmap: np.ndarray
    seconds: float
    model: str

    @property
    def sentence(self) -> str:
        """The decision in words."""
        return f"{self.model} says {self.label} with a probability of {percent(self.probabilities[self.label])}."


class Predictor:
    """Diagnoses scans with one model; holds no state between them.

    Args:
        bundle: The model.
        device: Where to run it.
    """

    def __init__(self, bundle: Bundle, device: str = "cpu") -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        self.model = bundle.model.to(self.device, memory_format=torch.channels_last).eval().requires_grad_(False)

    @classmethod
    def open(cls, folder: Path, device: str = "cpu") -> Predictor:
        """Load the bundle in `folder`.

        Raises:
            BundleError: The bundle is missing, damaged, was changed or is of a segmentation.
        """
        return cls(load_bundle_for("classify", folder), device)

    @property
    def description(self) -> BundleDescription:
        """What the bundle says of itself."""
        return self.bundle.description

    @property
    def name(self) -> str:
        """Name and version, as shown beside every answer."""
        return f"{self.description.name} ({self.bundle.version})"

    def diagnose(self, scan: Scan, explain: str | None = None) -> Diagnosis:
        """Answer for one scan, with the Grad-CAM map of a class.

        Args:
            scan: From `scans.read_scan`.
            explain: The class to explain; the predicted one by default.

        Raises:
            ValueError: `explain` is not a class of the model.
        """
        started = time.perf_counter()
        classes = self.description.classes
        if explain is not None and explain not in classes:
            raise ValueError(f"explain must be one of {list(classes)}, got {explain!r}.")
        prepared = prepare(scan.pixels, self.description.preparation)
        batch = normalise(to_batch(prepared.pixels[None]).to(self.device), self.description.preparation.normalise)
        logits, maps = logits_and_maps(self.model, batch.contiguous(memory_format=torch.channels_last))
        scores = torch.softmax(logits.detach().double(), dim=1)[0].tolist()
        label = classes[int(np.argmax(scores))]
        explained = explain or label
        cam = enlarge(grad_cam(logits, maps, classes.index(explained)), self.description.preparation.size)
        return Diagnosis(
            label=label,
            probabilities=dict(zip(classes, scores, strict=True)),
            explained=explained,
            cam=cam,
            heatmap=prepared.geometry.to_scan(cam),
            seconds=time.perf_counter() - started,
            model=self.name,
        )
