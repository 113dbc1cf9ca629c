"""What a dataset holds, in numbers: counts, sizes, modes, unreadable files and copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from brainseg.datasets import duplicates
from brainseg.datasets.table import Dataset

EXTENSIONS = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "BMP": {".bmp"},
    "TIFF": {".tif", ".tiff"},
    "GIF": {".gif"},
}


def dataset_report(dataset: Dataset) -> dict[str, Any]:
    """Describe a dataset as plain values that JSON can hold; widths and heights are [least, most] in pixels."""
    table = dataset.table
    sizes = table[["width", "height"]].drop_duplicates()
    return {
        "path": str(dataset.root),
        "images": len(table),
        "classes": {name: int((table["label"] == name).sum()) for name in dataset.classes},
        "groups": int(table.loc[table["group"] != "", "group"].nunique()),
        "splits": _counts(table.loc[table["split"] != "", "split"]),
        "modes": _counts(table["mode"]),
        "formats": _counts(table["source_format"]),
        "sizes": {
            "distinct": len(sizes),
            "width": _range(table["width"]),
            "height": _range(table["height"]),
        },
        "wrong_extension": [
            row.path for row in table.itertuples() if Path(row.path).suffix.lower() not in EXTENSIONS[row.source_format]
        ],
        "warnings": [{"path": row.path, "warning": row.warnings} for row in table.itertuples() if row.warnings],
        "unreadable": [{"path": bad.path, "reason": bad.reason} for bad in dataset.bad],
        "ignored": list(dataset.ignored),
        "duplicates": duplicates.summary(table.assign(split=table["split"].where(table["split"] != "", None))),
        "fingerprint": dataset.fingerprint,
    }


def _range(column: pd.Series) -> list[int]:
    return [int(column.min()), int(column.max())] if len(column) else []


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(key): int(count) for key, count in column.value_counts().items()}
