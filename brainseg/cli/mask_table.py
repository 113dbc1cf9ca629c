"""Tables of what a segmentation model marked on slices."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from brainseg import DISCLAIMER
from brainseg.cli.prediction import Failure, MaskAnswer
from brainseg.diagnosis.table import HASHES, RELIABILITY, text_cell
from brainseg.models.trained_on import TrainedOn

if TYPE_CHECKING:
    from brainseg.diagnosis.segmenter import Segmenter

_FURTHER = ("area_unit", "diameter", "length_unit", "regions", "model", "backend", "precision", "seconds")


def masks_csv(answers: Sequence[MaskAnswer | Failure], segmenter: Segmenter) -> str:
    """Return answers as CSV, one row per slice."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, mask_columns(segmenter), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(mask_row(answer, segmenter) for answer in answers)
    return stream.getvalue()


def mask_columns(segmenter: Segmenter) -> list[str]:
    """Return the columns of a table of answers, in their order."""
    return ["file", *RELIABILITY, "area", *area_columns(segmenter), *_FURTHER, *HASHES, "error", "disclaimer"]


def area_columns(segmenter: Segmenter) -> list[str]:
    """Return the columns with the area of each class; none for a model of one class, whose area is the whole."""
    marked = segmenter.description.classes[1:]
    return [f"area_of_{name}" for name in marked] if len(marked) > 1 else []


def mask_row(answer: MaskAnswer | Failure, segmenter: Segmenter) -> dict[str, object]:
    """Return the cells of an answer by column."""
    row: dict[str, object] = {
        "file": text_cell(answer["file"]),
        "in_domain": {True: "true", False: "false", None: ""}[answer["in_domain"]],
        "warnings": text_cell(" ".join(answer["warnings"])),
        "trained_on": TrainedOn.of(segmenter.description.data).sentence,
        "image_sha256": answer["image_sha256"],
        "bundle_digest": answer["bundle_digest"],
        "disclaimer": DISCLAIMER,
    }
    if "error" in answer:
        return row | {"error": text_cell(answer["error"])}
    areas = dict(zip(area_columns(segmenter), answer["areas"].values(), strict=False))
    return {
        **row,
        "area": answer["area"],
        **areas,
        "area_unit": answer["area_unit"],
        "diameter": answer["diameter"],
        "length_unit": answer["length_unit"],
        "regions": len(answer["regions"]),
        "model": text_cell(answer["model"]),
        "backend": answer["backend"],
        "precision": answer["precision"],
        "seconds": answer["seconds"],
    }
