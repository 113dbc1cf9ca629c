"""Mark tumours on a volume slice by slice, and measure the mask as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brainseg.diagnosis.doubts import UNLIKE
from brainseg.diagnosis.lesions import Lesion, lesions, voxel_ml
from brainseg.diagnosis.segmenter import Segmentation, Segmenter
from brainseg.errors import ScanError
from brainseg.files import sha256_bytes
from brainseg.models.trained_on import TrainedOn
from brainseg.scans import Scan
from brainseg.scans.volumes.slices import PLANES, put, slice_scans
from brainseg.scans.volumes.volume import Volume

Progress = Callable[[int, int], None]
"""Called with (slices done, slices in all); it may raise to cancel."""
MODEL, PERSON = "model", "person"
"""Who decided on a mask: the model alone, or a person who corrected the model's mask."""
CORRECTED = "A person corrected this mask; the measurements are of the corrected one."


@dataclass(frozen=True, eq=False)
class VolumeMask:
    """The answer of a segmentation model about a volume.

    Attributes:
        mask: (X, Y, Z) uint8 class numbers, 0 is background; oriented as `volume.array`.
        volume: The volume on whose grid the mask is: the first one that was given.
        plane: The plane in which the slices were marked.
        ml: Class name -> marked volume in ml, without background.
        lesions: Connected parts of everything that is marked, largest first.
        marked: Places of the slices on which something is marked.
        unlike: Places of the slices that are unlike the model's training images, of those that are not empty.
        in_domain: False if most slices that are not empty are unlike the training images; None without a guard.
        seconds: Time from volume to answer.
        model: Name and version of the model.
        warnings: Sentences on what makes the answer doubtful.
        trained_on: What the model was trained on.
        digest: The SHA-256 of the bundle.
        image_sha256: The SHA-256 of the values of the volumes, joined by a plus.
        mask_by: `MODEL`, or `PERSON` for a mask that `with_mask` has replaced.
        backend: As for `Diagnosis`.
        precision: As for `Diagnosis`.
    """

    mask: NDArray[np.uint8]
    volume: Volume
    plane: str
    ml: dict[str, float]
    lesions: tuple[Lesion, ...]
    marked: tuple[int, ...]
    unlike: tuple[int, ...]
    in_domain: bool | None
    seconds: float
    model: str
    warnings: tuple[str, ...]
    trained_on: TrainedOn
    digest: str
    image_sha256: str
    mask_by: str = MODEL
    backend: str = "torch"
    precision: str = "fp32"

    @property
    def found(self) -> bool:
        """Whether anything is marked."""
        return bool(self.lesions)

    @property
    def total_ml(self) -> float:
        """Marked volume of all classes together."""
        return sum(self.ml.values())

    @property
    def origin(self) -> str:
        """What the model was trained on, in words."""
        return self.trained_on.sentence

    @property
    def finding(self) -> str:
        """What was marked, in words."""
        if not self.lesions:
            return "Nothing is marked."
        parts = "1 lesion" if len(self.lesions) == 1 else f"{len(self.lesions)} lesions"
        each = ""
        if len(self.ml) > 1:
            each = " (" + ", ".join(f"{name} {amount:,.2f}" for name, amount in self.ml.items()) + ")"
        return (
            f"{parts}, {self.total_ml:,.2f} ml in total{each}; the largest has {self.lesions[0].ml:,.2f} ml and a "
            f"diameter of {self.lesions[0].diameter:,.1f} mm."
        )


def mark_volume(
    segmenter: Segmenter, volumes: Sequence[Volume], plane: str = "axial", progress: Progress | None = None
) -> VolumeMask:
    """Mark tumours on every slice of a volume.

    Args:
        segmenter: The model.
        volumes: On one grid, as `study.volumes_for` returns them: one per sequence for a model of several.
        plane: The plane of the slices, a key of `scans.volumes.slices.PLANES`: the one that the model learnt from.
        progress: Called after each slice.

    Raises:
        ScanError: The volumes do not say where they lie, or are not what the model needs.
        BundleError: The network returns values that are not numbers.
    """
    started = time.perf_counter()
    first = volumes[0]
    if first.affine is None:
        raise ScanError(f"{first.name} does not say how large its voxels are, so no volume can be measured on it.")
    mask = np.zeros(first.array.shape, np.uint8)
    marked, unlike, seen = [], [], 0
    said: dict[str, None] = {}
    count = first.array.shape[PLANES[plane]]
    for index, scans in enumerate(zip(*(slice_scans(volume, plane) for volume in volumes), strict=True)):
        if scans[0].pixels.any():
            found = segmenter.segment(*_inputs(segmenter, scans))
            put(mask, plane, index, found.mask)
            marked += [index] if found.regions else []
            unlike += [index] if found.in_domain is False else []
            seen += found.in_domain is not None
            said |= dict.fromkeys(_lasting(found))
        if progress:
            progress(index + 1, count)
    return VolumeMask(
        mask=mask,
        volume=first,
        plane=plane,
        ml=_ml(mask, segmenter.description.classes[1:], first.affine),
        lesions=lesions(mask > 0, first.affine),
        marked=tuple(marked),
        unlike=tuple(unlike),
        in_domain=None if not seen else len(unlike) <= seen / 2,
        seconds=time.perf_counter() - started,
        model=segmenter.name,
        warnings=(*_unlike_warning(len(unlike), seen), *said, *(text for each in volumes for text in each.warnings)),
        trained_on=TrainedOn.of(segmenter.description.data),
        digest=segmenter.bundle.digest,
        image_sha256=hash_of(volumes),
        backend=segmenter.backend.name,
        precision=segmenter.backend.precision,
    )


def with_mask(answer: VolumeMask, mask: NDArray[np.uint8]) -> VolumeMask:
    """Return an answer with the mask of a person who corrected it, measured again.

    What is known about the images and the model stays: `unlike`, `in_domain`, what the model was trained on.

    Args:
        answer: The model's answer, or one that was corrected before.
        mask: (X, Y, Z) uint8 class numbers of the same classes, on the same grid.

    Raises:
        ValueError: The mask has another shape or type, or numbers of classes that the model does not have.
    """
    if mask.shape != answer.mask.shape or mask.dtype != np.uint8 or mask.max(initial=0) > len(answer.ml):
        raise ValueError(
            f"mask must be {answer.mask.shape} uint8 with values up to {len(answer.ml)}, got {mask.shape} {mask.dtype} "
            f"with values up to {mask.max(initial=0)}."
        )
    if answer.volume.affine is None:
        raise ValueError("An answer about a volume without a place cannot be measured.")
    planes = np.moveaxis(mask, PLANES[answer.plane], 0)
    said = answer.warnings if answer.mask_by == PERSON else (CORRECTED, *answer.warnings)
    return replace(
        answer,
        mask=mask,
        ml=_ml(mask, tuple(answer.ml), answer.volume.affine),
        lesions=lesions(mask > 0, answer.volume.affine),
        marked=tuple(int(place) for place in np.flatnonzero(planes.any(axis=(1, 2)))),
        warnings=said,
        mask_by=PERSON,
    )


def _ml(mask: NDArray[np.uint8], names: Sequence[str], affine: NDArray[np.float64]) -> dict[str, float]:
    each = voxel_ml(affine)
    return {name: float((mask == number).sum()) * each for number, name in enumerate(names, start=1)}


def hash_of(volumes: Sequence[Volume]) -> str:
    """Return the SHA-256 of the values of volumes, joined by a plus."""
    return "+".join(sha256_bytes(np.ascontiguousarray(volume.array).tobytes()) for volume in volumes)


def as_channels(scans: tuple[Scan, ...]) -> Scan:
    """Return scans of one slice as the channels of one image; a single one as it is."""
    if len(scans) == 1:
        return scans[0]
    pixels = np.dstack([scan.pixels[..., 0] for scan in scans])
    return replace(scans[0], pixels=pixels, sha256="+".join(scan.sha256 for scan in scans))


def _inputs(segmenter: Segmenter, scans: tuple[Scan, ...]) -> tuple[Scan, ...]:
    """Return scans of one slice as the model takes them: as they are, or as the channels of one image."""
    return scans if segmenter.description.modalities is not None else (as_channels(scans),)


def _lasting(found: Segmentation) -> list[str]:
    """Return the warnings of a slice that say something about the model or the whole volume."""
    return [text for text in found.warnings if not text.startswith(UNLIKE)]


def _unlike_warning(count: int, seen: int) -> tuple[str, ...]:
    if not count:
        return ()
    slices = "1 slice is" if count == 1 else f"{count} of {seen} slices are"
    return (f"{slices} not like the model's training images; masks there mean little.",)
