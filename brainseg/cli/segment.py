"""`predict` with a segmentation run: marks tumours and measures what is marked."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainseg import DISCLAIMER
from brainseg.diagnosis.table import HASHES, RELIABILITY, headline, reliability_values, text_cell
from brainseg.errors import ScanError
from brainseg.models.trained_on import TrainedOn, joint_training

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.segmenter import Segmentation, Segmenter


@dataclass(frozen=True)
class Pictures:
    """Where to draw: the mask alone, and scan and mask side by side."""

    mask: Path | None
    overlay: Path | None


def slices_of(segmenter: Segmenter, files: list[Path]) -> list[list[Path]]:
    """Return the files of each slice: one, or all where they show the one slice in several modalities."""
    several = len(segmenter.description.modalities or ()) > 1
    return [files] if several else [[file] for file in files]


def segment_files(
    segmenter: Segmenter, slices: list[list[Path]], masks: list[Path | None], sheets: list[Path | None]
) -> list[dict[str, Any]]:
    """Mark slices.

    Args:
        segmenter: The model.
        slices: From `slices_of`.
        masks: Where the mask of each slice goes.
        sheets: Where scan and mask side by side go.

    Returns:
        An answer a slice, as values that JSON can hold; a bad file gets its sentence as `error`.
    """
    return [_answer(segmenter, *each) for each in zip(slices, masks, sheets, strict=True)]


def failed(error: str, models: Sequence[Predictor | Segmenter]) -> dict[str, Any]:
    """Return what there is to say, as values that JSON can hold, where there is no answer."""
    return {
        "error": error,
        "in_domain": None,
        "warnings": [],
        "trained_on": joint_training(TrainedOn.of(each.description.data) for each in models).to_dict(),
        "image_sha256": None,
        "bundle_digest": "+".join(each.bundle.digest for each in models),
    }


def _answer(segmenter: Segmenter, files: list[Path], mask: Path | None, sheet: Path | None) -> dict[str, Any]:
    from brainseg.diagnosis.images import save_png
    from brainseg.diagnosis.mask_images import mask_image, segmentation_sheet
    from brainseg.scans import read_scan

    name = ", ".join(str(file) for file in files)
    try:
        scans = [read_scan(file) for file in files]
        found = segmenter.segment(*scans)
    except ScanError as error:
        return {"file": name, **failed(str(error), [segmenter])}
    notes = [warning for scan in scans for warning in scan.warnings]
    answer = {"file": name, **_plain(found, notes)}
    if mask:
        save_png(mask_image(found), mask)
        answer["mask"] = str(mask)
    if sheet:
        save_png(segmentation_sheet(scans[0].pixels, scans[0].name, found), sheet)
        answer["overlay"] = str(sheet)
    return answer


def _plain(found: Segmentation, notes: list[str]) -> dict[str, Any]:
    return {
        "headline": headline(found),
        **reliability_values(found, notes),
        "sentence": found.finding,
        "area": found.area,
        "area_unit": found.area_unit,
        "areas": found.areas,
        "diameter": found.diameter,
        "length_unit": found.length_unit,
        "regions": [asdict(region) for region in found.regions],
        "model": found.model,
        "seconds": found.seconds,
    }


def segments_csv(answers: list[dict[str, Any]], origin: str) -> str:
    """Return answers as a CSV table, a row each; `origin` says what the model was trained on."""
    measured = ["area", "area_unit", "diameter", "length_unit", "regions", "model", "seconds"]
    columns = ["file", *RELIABILITY, *measured, *HASHES, "error"]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*columns, "disclaimer"], restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for answer in answers:
        counted = {"regions": len(answer["regions"])} if "regions" in answer else {}
        texts: dict[str, Any] = {name: text_cell(answer[name]) for name in ("file", "model") if name in answer}
        known = {True: "true", False: "false", None: ""}[answer["in_domain"]]
        said = {"in_domain": known, "warnings": text_cell(" ".join(answer["warnings"])), "trained_on": origin}
        writer.writerow({**answer, **texts, **counted, **said, "disclaimer": DISCLAIMER})
    return stream.getvalue()
