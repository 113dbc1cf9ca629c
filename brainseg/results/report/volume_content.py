"""What a report says about the answer for a volume."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from brainseg.diagnosis.lesions import Lesion
from brainseg.diagnosis.mask_images import CAPTION, class_colour
from brainseg.diagnosis.study import sequences_of
from brainseg.diagnosis.volume_mask import CORRECTED, PERSON, VolumeMask
from brainseg.models.export.names import computed_with
from brainseg.results.report.content import (
    Block,
    Curve,
    Legend,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
    Text,
)
from brainseg.results.report.key_images import Place, View, centre_of, key_places, lesion_part
from brainseg.results.report.model_content import (
    AskedModel,
    card_section,
    evaluation_section,
    short_hash,
    version_section,
)
from brainseg.scans.pixels import window_sentence
from brainseg.scans.volumes.slices import PLANES

TITLE = "Report on a brain MRI volume"
SHOWN, LISTED = 4, 30
"""Largest lesions that get key images, and that are listed one by one."""
MEASURED = (
    "Voxels that touch at a corner belong to one lesion. A diameter is the largest distance between two corners of a "
    "lesion's voxels. A centre is the centre of mass, in mm in the coordinates of the file."
)
SIDES = (
    "R and L are the patient's right and left, A and P front and back, S and I the directions of head and feet. All "
    "images have one scale, and the bar in each is {bar} mm long."
)
TICKS = "Ticks at the edges point to the centre of the lesion."
MIDDLE = "Nothing is marked, so these are the middle slices of the volume, without an outline."
ENDS = {"axial": "from the feet to the head", "coronal": "from back to front", "sagittal": "from left to right"}
_LEAST_ML = 0.01
_CM2 = 1000.0
"""Areas from here on, in mm², are written in cm²."""


def volume_report(answer: VolumeMask, model: AskedModel, created: datetime) -> Report:
    """Return the report of a volume in which a model marked tumours.

    Args:
        answer: The answer.
        model: The model that gave it.
        created: When the report is made, in UTC.
    """
    volume = answer.volume
    view = View.of(volume, answer.mask)
    size = " × ".join(map(str, volume.array.shape))
    spacing = " × ".join(f"{each:.2f}" for each in volume.spacing or ())
    sequences = ", ".join(sequences_of(model.description) or (volume.sequence or "unknown",))
    facts = [
        ("Format", volume.source_format),
        ("Sequences" if ", " in sequences else "Sequence", sequences),
        ("Size", f"{size} voxels, towards right, front and head"),
        ("Voxel size", f"{spacing} mm"),
        ("Plane of the marked slices", answer.plane),
        ("Window of the key images", window_sentence(view.window)),
        ("SHA-256 of the values", short_hash(answer.image_sha256)),
        ("Computed with", computed_with(answer.backend, answer.precision)),
    ]
    unlike = "unknown" if answer.in_domain is None else f"{len(answer.unlike):,}"
    return Report(
        title=TITLE,
        subject=f"{volume.source_format}, {size} voxels of {spacing} mm, SHA-256 {short_hash(answer.image_sha256)}",
        warnings=tuple(text for text in answer.warnings if text != CORRECTED),
        lead=answer.finding,
        words=(
            Text(CORRECTED if answer.mask_by == PERSON else CAPTION, "strong"),
            Text(answer.origin, "strong"),
            Text(f"Answered by {answer.model}."),
        ),
        sections=(
            Section("Measurements", tuple(_measurements(answer))),
            Section("Key images", tuple(_key_images(answer, view))),
            *_curve(answer),
            card_section([model]),
            evaluation_section([model], answer.in_domain, facts=[("Slices that are not like them", unlike)]),
            version_section(facts, [(model, answer.digest)], created),
        ),
    )


def _measurements(answer: VolumeMask) -> Iterator[Block]:
    counts = [int((answer.mask == number).sum()) for number in range(1, len(answer.ml) + 1)]
    rows = [
        (name, f"{count:,}", f"{amount:,.2f}") for (name, amount), count in zip(answer.ml.items(), counts, strict=True)
    ]
    rows += [("all classes", f"{sum(counts):,}", f"{answer.total_ml:,.2f}")] if len(rows) > 1 else []
    yield Table(("Class", "Voxels", "Volume, ml"), tuple(rows), (4, 2, 2), frozenset({1, 2}))
    if not answer.found:
        return
    head = ("Lesion", "Volume, ml", "Largest diameter, mm", "Centre, mm: right", "front", "head")
    listed = tuple(
        (str(number), _ml(each.ml), f"{each.diameter:,.1f}", *(f"{place:,.1f}" for place in each.centre))
        for number, each in enumerate(answer.lesions[:LISTED], start=1)
    )
    yield Table(head, listed, (1, 1.4, 2.3, 2, 1, 1), frozenset(range(1, 6)))
    if rest := answer.lesions[LISTED:]:
        ones = "1 smaller lesion" if len(rest) == 1 else f"{len(rest):,} smaller lesions"
        amount = sum(each.ml for each in rest)
        yield Text(f"Not listed: {ones} of {amount:,.2f} ml in total. The table of measurements lists all.")
    yield Text(MEASURED, "note")


def _ml(amount: float) -> str:
    """Return the volume of a lesion; none is written as 0."""
    return f"{amount:,.2f}" if amount >= _LEAST_ML else f"under {_LEAST_ML:g}"


def _key_images(answer: VolumeMask, view: View) -> Iterator[Block]:
    if not answer.found:
        yield Text(MIDDLE)
        places = [(plane, answer.volume.array.shape[axis] // 2) for plane, axis in PLANES.items()]
        yield Pictures(tuple(_picture(answer, view, plane, place, "no outline") for plane, place in places))
    else:
        yield Legend(tuple((class_colour(number), name) for number, name in enumerate(answer.ml, start=1)))
        yield from (_lesion(answer, view, number) for number in range(min(SHOWN, len(answer.lesions))))
    words = [SIDES.format(bar=view.bar), TICKS if answer.found else ""]
    yield Text(" ".join(filter(None, words)), "note")


def _lesion(answer: VolumeMask, view: View, number: int) -> Pictures:
    lesion: Lesion = answer.lesions[number]
    centre = centre_of(lesion_part(answer.mask, lesion), lesion)
    what = f"outline of lesion {number + 1}"
    pictures = tuple(
        _picture(answer, view, plane, place, what, centre)
        for plane, place in key_places(answer.mask, lesion, answer.plane)
    )
    title = f"Lesion {number + 1} of {len(answer.lesions):,}: {lesion.ml:,.2f} ml, diameter {lesion.diameter:,.1f} mm"
    return Pictures(pictures, title)


def _picture(answer: VolumeMask, view: View, plane: str, place: int, what: str, centre: Place | None = None) -> Picture:
    caption = f"{plane.capitalize()} slice {place + 1} of {answer.volume.array.shape[PLANES[plane]]}"
    return Picture(view.draw(plane, place, centre), caption, f"{caption}, {what}")


def _curve(answer: VolumeMask) -> Iterator[Section]:
    """Yield the marked area on each slice as a section; nothing where nothing is marked, or on a single slice."""
    axis = PLANES[answer.plane]
    if not answer.found or answer.mask.shape[axis] < 2 or answer.volume.affine is None:
        return
    others = tuple(other for other in range(3) if other != axis)
    first, second = (answer.volume.affine[:3, other] for other in others)
    pixel = float(np.linalg.norm(np.cross(first, second)))
    areas = (answer.mask > 0).sum(axis=others) * pixel
    factor, unit = (0.01, "cm²") if areas.max() >= _CM2 else (1.0, "mm²")
    values = areas * factor
    where = int(values.argmax())
    words = f"The largest marked area is {values[where]:,.1f} {unit}, on {answer.plane} slice {where + 1}."
    across = f"{answer.plane.capitalize()} slice, {ENDS[answer.plane]}"
    curve = Curve(tuple(map(float, values)), across, f"Marked area, {unit}", f"Curve of the marked area. {words}")
    yield Section("Marked area by slice", (curve, Text(words)))
