"""Write what a dataset of cut slices says about itself: the manifest, the names of the classes, and how it was made."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from brainseg.datasets.manifest import MANIFEST
from brainseg.datasets.mask_classes import NAMES
from brainseg.datasets.volumes.labels import TUMOUR, name_labels
from brainseg.datasets.volumes.settings import FORMAT, CutSettings
from brainseg.datasets.volumes.study import Studies, Study
from brainseg.datasets.volumes.study_slices import CutStudy, Row
from brainseg.errors import DataError
from brainseg.files import write_json

RECORD = "volumes.json"
"""File in the folder of such a dataset that says how it was made."""


@dataclass(frozen=True)
class CutSummary:
    """What `cut_volumes` wrote.

    Attributes:
        folder: The dataset.
        studies: Studies that were cut.
        patients: Patients of these.
        slices: Slices, each counted once, however many sequences it has.
        images: Images, one per slice and sequence.
        marked: Slices on which something is marked.
        sequences: Sequence -> number of studies that have it.
        classes: Value in the masks -> class name; empty without masks.
        notes: Sentences about what was assumed or left out.
    """

    folder: Path
    studies: int
    patients: int
    slices: int
    images: int
    marked: int
    sequences: dict[str, int]
    classes: dict[int, str]
    notes: tuple[str, ...]


def finish(
    out: Path,
    folder: Path,
    found: Studies,
    studies: tuple[Study, ...],
    done: list[CutStudy],
    settings: CutSettings,
    notes: list[str],
) -> CutSummary:
    """Write the manifest, the names of the classes and the record."""
    rows = [row for each in done for row in each.rows]
    faults = [(study.name, each.fault) for study, each in zip(studies, done, strict=True) if each.fault]
    if not rows:
        raise DataError(f"No study can be used; the first one, {faults[0][0]}: {faults[0][1]}.")
    notes += [f"{name} is left out: {fault}." for name, fault in faults]
    moved = Counter(name for each in done for name in each.resampled)
    notes += [f"{name} lay on another grid in {_studies(count)} and was resampled." for name, count in moved.items()]
    values = [each.values for each in done if each.values is not None]
    classes: dict[int, str] = {}
    if values:
        classes, meaning = name_labels(values, found.label_names, found.brats)
        notes += [meaning] if meaning else []
        _write_table(folder / NAMES, ["value", "name"], [list(pair) for pair in classes.items()])
    columns = [field.name for field in fields(Row) if field.name != "mask" or values]
    _write_table(folder / MANIFEST, columns, [[getattr(row, name) for name in columns] for row in rows])
    slices = {row.slice: row.label for row in rows}
    summary = CutSummary(
        folder=out,
        studies=sum(bool(each.rows) for each in done),
        patients=len({row.group for row in rows}),
        slices=len(slices),
        images=len(rows),
        marked=sum(label == TUMOUR for label in slices.values()) if values else 0,
        sequences=dict(Counter(name for each in done for name in sorted({row.modality for row in each.rows}))),
        classes=classes,
        notes=(*notes, f"Patients are told apart by {found.patients_by}."),
    )
    facts = {name: value for name, value in asdict(summary).items() if name not in ("folder", "notes")}
    write_json(folder / RECORD, {"format": FORMAT, "settings": settings.stored(), **facts})
    return summary


def _studies(count: int) -> str:
    return "1 study" if count == 1 else f"{count:,} studies"


def _write_table(file: Path, header: list[str], rows: list[list[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
