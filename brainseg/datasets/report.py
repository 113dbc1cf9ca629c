"""The report on a dataset: counts, sizes, modes, unreadable files and copies."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainseg.datasets import duplicates, near_copies
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.patient_messages import PatientsKnown, patients_sentence
from brainseg.datasets.patients import patient_folders
from brainseg.datasets.report_fields import DatasetReport, DatasetWarning, Masks
from brainseg.datasets.table import Dataset

FILES_NAMED = 5
"""Most files that a sentence names."""

EXTENSIONS = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "BMP": {".bmp"},
    "TIFF": {".tif", ".tiff"},
    "GIF": {".gif"},
}


def dataset_report(dataset: Dataset) -> DatasetReport:
    """Describe a dataset as plain values for JSON; widths and heights are [least, most] in pixels.

    A dataset with masks also has `masks` and `notes`.
    """
    table = dataset.table
    sizes = table[["width", "height"]].drop_duplicates()
    report: DatasetReport = {
        "path": str(dataset.root),
        "images": len(table),
        "classes": {name: int((table["label"] == name).sum()) for name in dataset.classes},
        "groups": (patients := patients_known(dataset))["count"],
        "patients": patients,
        "splits": _counts(table.loc[table["split"] != "", "split"]),
        "modes": _counts(table["mode"]),
        "formats": _counts(table["source_format"]),
        "sizes": {
            "distinct": len(sizes),
            "width": _range(table["width"]),
            "height": _range(table["height"]),
        },
        "wrong_extension": [
            path
            for path, source_format in zip(table["path"], table["source_format"], strict=True)
            if Path(path).suffix.lower() not in EXTENSIONS[source_format]
        ],
        "warnings": [finding.to_dict() for finding in dataset.findings],
        "unreadable": [{"path": bad.path, "reason": bad.reason} for bad in dataset.bad],
        "ignored": list(dataset.ignored),
        "duplicates": duplicates.summary(table.assign(split=table["split"].where(table["split"] != "", None))),
        "near_copies": near_copies.summary(table, dataset.near_pairs),
        "fingerprint": dataset.fingerprint,
    }
    if isinstance(dataset, MaskedDataset):
        report["masks"], report["notes"] = _masks(dataset), list(dataset.notes)
    return report


def patients_known(dataset: Dataset) -> PatientsKnown:
    """Return where the patients of a dataset are known from (`source`), and how many there are (`count`)."""
    named = dataset.table.loc[dataset.table["group"] != ""]
    if dataset.patients_from == "folder":
        count = patient_folders(*(named[column].tolist() for column in ("path", "label", "group")))
    else:
        count = int(named["group"].nunique())
    return {"source": dataset.patients_from, "count": count}


def warning_sentence(entry: DatasetWarning) -> str:
    """Return a warning of a report with the first of its files."""
    return f"{entry['message']}{named(entry['files'])}"


def named(files: list[str]) -> str:
    """Return the first few files in brackets, to follow a sentence; "" for none."""
    more = f" and {len(files) - FILES_NAMED} more" if len(files) > FILES_NAMED else ""
    return f" ({', '.join(files[:FILES_NAMED])}{more})" if files else ""


def mask_sentence(report: DatasetReport) -> str:
    """Return a sentence about the masks of a dataset.

    Args:
        report: The report on a dataset with masks.
    """
    masks = report["masks"]
    least, most = masks["tumour_pixels"] or (0, 0)
    parts = [
        f"Masks of {', '.join(masks['classes'][1:])}: on {masks['with_tumour']} of {report['images']} slices",
        f"from {least} to {most} pixels on such a slice, {100 * masks['tumour_share']:.2f} % of all pixels",
        patients_sentence(report["patients"]),
        f"spacing known for {masks['with_spacing']} slices",
    ]
    if masks["threshold"] is not None:
        parts.append(f"values from {masks['threshold']:g} up are tumour")
    if masks["channels"]:
        parts.append(f"channels {', '.join(masks['channels'])}")
    return "; ".join(parts) + "."


def _masks(dataset: MaskedDataset) -> Masks:
    table = dataset.table
    pixels = int((table["width"] * table["height"]).sum())
    return {
        "classes": list(dataset.mask_classes),
        "with_tumour": int((table["mask_pixels"] > 0).sum()),
        "tumour_pixels": _range(table.loc[table["mask_pixels"] > 0, "mask_pixels"]),
        "tumour_share": float(table["mask_pixels"].sum() / pixels) if pixels else 0.0,
        "with_spacing": int((table["spacing"] != "").sum()),
        "channels": list(dataset.channels),
        "threshold": dataset.mask_threshold,
    }


def _range(column: pd.Series) -> list[int]:
    return [int(column.min()), int(column.max())] if len(column) else []


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(key): int(count) for key, count in column.value_counts().items()}
