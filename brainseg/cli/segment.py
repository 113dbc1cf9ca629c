"""`predict` with a segmentation run: marks tumours and measures what is marked."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainseg import DISCLAIMER
from brainseg.diagnosis.table import text_cell
from brainseg.errors import ScanError

if TYPE_CHECKING:
    from brainseg.diagnosis.segmenter import Segmentation, Segmenter


@dataclass(frozen=True)
class Pictures:
    """Where to draw: the mask alone, and scan and mask side by side."""

    mask: Path | None
    overlay: Path | None


def segment_files(segmenter: Segmenter, files: list[Path], pictures: Pictures) -> list[dict[str, Any]]:
    """Mark files, or the one slice that they show in several modalities.

    Returns:
        An answer a slice, as values that JSON can hold; a bad file gets its sentence as `error`.
    """
    several = len(segmenter.description.modalities or ()) > 1
    slices = [files] if several else [[file] for file in files]
    return [_answer(segmenter, group, pictures, len(slices)) for group in slices]


def numbered(file: Path | None, source: Path, count: int) -> Path | None:
    """Return where the picture of one of several files goes."""
    if file is None or count == 1:
        return file
    return file.with_name(f"{file.stem}-{source.stem}{file.suffix or '.png'}")


def _answer(segmenter: Segmenter, files: list[Path], pictures: Pictures, count: int) -> dict[str, Any]:
    from brainseg.diagnosis.mask_picture import mask_image, segmentation_sheet
    from brainseg.diagnosis.picture import save_png
    from brainseg.scans import read_scan

    name = ", ".join(str(file) for file in files)
    try:
        scans = [read_scan(file) for file in files]
        found = segmenter.segment(*scans)
    except ScanError as error:
        return {"file": name, "error": str(error)}
    answer = {"file": name, **_plain(found)}
    if mask := numbered(pictures.mask, files[0], count):
        save_png(mask_image(found), mask)
        answer["mask"] = str(mask)
    if sheet := numbered(pictures.overlay, files[0], count):
        save_png(segmentation_sheet(scans[0].pixels, scans[0].name, found), sheet)
        answer["overlay"] = str(sheet)
    warnings = [*(warning for scan in scans for warning in scan.warnings), *found.warnings]
    return {**answer, **({"warnings": warnings} if warnings else {})}


def _plain(found: Segmentation) -> dict[str, Any]:
    return {
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


def segments_csv(answers: list[dict[str, Any]]) -> str:
    """Return answers as a CSV table, a row each."""
    columns = ["file", "area", "area_unit", "diameter", "length_unit", "regions", "model", "seconds", "error"]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*columns, "disclaimer"], restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for answer in answers:
        counted = {"regions": len(answer["regions"])} if "regions" in answer else {}
        texts = {name: text_cell(answer[name]) for name in ("file", "model") if name in answer}
        writer.writerow({**answer, **texts, **counted, "disclaimer": DISCLAIMER})
    return stream.getvalue()
