"""`Segmenter`: marks scans with the bundle of a U-Net. Any number of threads may share one instance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from brainseg.datasets.modalities import stack
from brainseg.diagnosis.doubts import unlike_sentence
from brainseg.diagnosis.guard import assess
from brainseg.diagnosis.regions import Region, regions
from brainseg.errors import BundleError, ScanError
from brainseg.models.bundle import Bundle, BundleDescription, load_bundle_for
from brainseg.models.export.backends import Backend, TorchBackend, run
from brainseg.models.export.graphs import served_outputs
from brainseg.models.export.names import BackendChoice
from brainseg.models.export.serving import open_backend
from brainseg.models.inputs import normalise, on_device, to_batch
from brainseg.models.masks import argmax_mask, scan_probabilities
from brainseg.models.one_thread import one_thread
from brainseg.models.trained_on import UNKNOWN, TrainedOn
from brainseg.models.unet import UNet
from brainseg.preparation import prepare
from brainseg.scans import Scan


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a U-Net marks on one scan.

    Attributes:
        mask: (H, W) uint8 class numbers on the scan's own grid; 0 is the background.
        probabilities: (classes, H, W) float32, background first; they sum to 1 at every pixel.
        classes: Class names by number.
        areas: Class name -> marked area in `area_unit`, without the background.
        regions: Separate regions of everything that is marked, largest first.
        spacing: (row, column) in mm, or None if the file does not record it.
        seconds: Time from scan to answer, including preparation.
        model: Name and version of the model.
        warnings: Sentences on what makes the answer doubtful, most serious first.
        trained_on: What the model was trained on.
        in_domain: Whether the image resembles the model's training images; None if the bundle has no guard.
        distance: As for `Diagnosis`.
        digest: The SHA-256 of the bundle.
        image_sha256: The SHA-256 of the image file; those of several sequences joined by a plus.
        backend: As for `Diagnosis`.
        precision: As for `Diagnosis`.
    """

    mask: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]
    areas: dict[str, float]
    regions: tuple[Region, ...]
    spacing: tuple[float, float] | None
    seconds: float
    model: str
    warnings: tuple[str, ...] = ()
    trained_on: TrainedOn = UNKNOWN
    in_domain: bool | None = None
    distance: float | None = None
    digest: str = ""
    image_sha256: str = ""
    backend: str = "torch"
    precision: str = "fp32"

    @property
    def origin(self) -> str:
        """What the model was trained on, in words."""
        return self.trained_on.sentence

    @property
    def found(self) -> bool:
        """Whether anything is marked."""
        return bool(self.regions)

    @property
    def area(self) -> float:
        """Marked area of all classes together, in `area_unit`."""
        return sum(self.areas.values())

    @property
    def diameter(self) -> float:
        """Largest diameter of any region (see `Region`), in `length_unit`; 0 without a region."""
        return max((region.diameter for region in self.regions), default=0.0)

    @property
    def area_unit(self) -> str:
        """Unit of areas: "mm²", or "pixels" where the spacing is unknown."""
        return "mm²" if self.spacing else "pixels"

    @property
    def length_unit(self) -> str:
        """Unit of lengths: "mm", or "pixels" where the spacing is unknown."""
        return "mm" if self.spacing else "pixels"

    @property
    def finding(self) -> str:
        """What was marked, in words."""
        if not self.regions:
            return "Nothing is marked."
        parts = "1 region" if len(self.regions) == 1 else f"{len(self.regions)} regions"
        each = ""
        if len(self.areas) > 1:
            each = " (" + ", ".join(f"{name} {area:,.0f}" for name, area in self.areas.items()) + ")"
        return (
            f"{parts}, {self.area:,.0f} {self.area_unit} in total{each}; largest diameter {self.diameter:,.1f} "
            f"{self.length_unit}."
        )

    @property
    def sentence(self) -> str:
        """The answer in words, with the model that gives it."""
        return f"{self.model}: {self.finding}"


class Segmenter:
    """Marks tumours on scans with one model; keeps no state between scans.

    Args:
        bundle: The model, a U-Net.
        device: Where to run it.
        backend: What runs the network; by default torch in fp32.
    """

    def __init__(self, bundle: Bundle[UNet], device: str = "cpu", backend: Backend | None = None) -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        self.model = on_device(bundle.model, self.device).eval().requires_grad_(False)
        self.backend: Backend = backend or TorchBackend(self.model)

    @classmethod
    def open(cls, folder: Path, device: str = "cpu", backend: BackendChoice | None = None) -> Segmenter:
        """Load the bundle in `folder`; for `backend` see `Predictor.open`.

        Raises:
            BundleError: The bundle is missing, damaged or changed, or holds a classifier.
            BackendError: The backend may not answer for this model.
        """
        opened = cls(load_bundle_for(UNet, folder), device)
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

    def segment(self, *scans: Scan) -> Segmentation:
        """Mark one slice.

        Args:
            scans: The slice; for a model of several sequences, one grey scan of the slice per sequence, in their order.

        Raises:
            ScanError: The scans are not what the model needs.
            BundleError: The network returns values that are not numbers.
        """
        started = time.perf_counter()
        pixels, settings = self._pixels(scans), self.description.preparation
        prepared = prepare(pixels, settings)
        with one_thread():
            batch = normalise(to_batch(prepared.pixels[None]).to(self.device), settings.normalise)
        scores, pooled = run(self.backend, self.model, batch, served_outputs(self.model))
        logits, features = scores[0], pooled[0].cpu().numpy()
        if not torch.isfinite(logits).all():
            raise BundleError(f"{self.name} returned values that are not numbers for {scans[0].name}: train it again.")
        with one_thread():
            probabilities = scan_probabilities(logits, prepared.geometry)
        mask, spacing = argmax_mask(probabilities), scans[0].spacing
        verdict = assess(self.bundle.guard, pixels, features)
        doubt = [unlike_sentence(verdict.reasons)] if verdict.in_domain is False else []
        unit = spacing[0] * spacing[1] if spacing else 1.0
        classes = self.description.classes
        return Segmentation(
            mask=mask,
            probabilities=probabilities,
            classes=classes,
            areas={name: float((mask == number).sum()) * unit for number, name in enumerate(classes) if number},
            regions=regions(mask > 0, spacing),
            spacing=spacing,
            seconds=time.perf_counter() - started,
            model=self.name,
            warnings=(*doubt, *self._warnings(pixels)),
            in_domain=verdict.in_domain,
            distance=verdict.distance,
            trained_on=TrainedOn.of(self.description.data),
            digest=self.bundle.digest,
            image_sha256="+".join(scan.sha256 for scan in scans),
            backend=self.backend.name,
            precision=self.backend.precision,
        )

    def seconds(self, scan: Scan) -> float:
        """Return how long `segment` takes for a scan, in seconds."""
        return self.segment(scan).seconds

    def _warnings(self, pixels: np.ndarray) -> tuple[str, ...]:
        """Warn about a grey image if the model learnt from images whose channels are different sequences."""
        channels = self.description.channels
        if len(set(channels)) < 2 or (pixels != pixels[..., :1]).any():
            return ()
        named = ", ".join(channels)
        return (f"This image is grey, but the model needs {named} in its colour channels: do not rely on the answer.",)

    def _pixels(self, scans: tuple[Scan, ...]) -> np.ndarray:
        """Return the model's input, (H, W, 3) uint8; refuse scans that do not match its training."""
        wanted, version = self.description.modalities, self.description.preparation_version
        if wanted is None:
            if len(scans) != 1:
                raise ScanError(f"{self.description.name} takes one image at a time, not {len(scans)}: give one.")
            return scans[0].pixels_of(version)
        names = ", ".join(wanted)
        if len(scans) != len(wanted):
            raise ScanError(
                f"{self.description.name} takes {len(wanted)} images of one slice ({names}), not {len(scans)}: "
                "give one per sequence."
            )
        for scan in scans:
            if scan.pixels.shape != scans[0].pixels.shape:
                raise ScanError(f"{scan.name} and {scans[0].name} differ in size: give images of the same slice.")
            if (scan.pixels != scan.pixels[..., :1]).any():
                raise ScanError(f"{scan.name} has colours: give one grey image per sequence ({names}).")
        return stack([scan.pixels_of(version)[..., 0] for scan in scans])
