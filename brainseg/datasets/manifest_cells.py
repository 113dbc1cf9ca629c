"""All columns of a dataset's manifest, also those that brainseg does not use, such as scanner or plane."""

from __future__ import annotations

from pathlib import Path

from brainseg.datasets.listing import contents
from brainseg.datasets.manifest import MANIFEST, has_columns, only_table, open_manifest, relative_path
from brainseg.datasets.manifest_paths import find_files

PATHS = ("path", "mask")
"""Columns that name files."""


def manifest_cells(place: Path) -> dict[str, dict[str, str]]:
    """Return the cells of each image by column, by the image's path as in a dataset's table.

    Args:
        place: A dataset's folder or manifest.

    Returns:
        Cells without the columns of `PATHS`; empty for a dataset without a manifest.

    Raises:
        DataError: The manifest is damaged, or few of its images exist.
    """
    file = _manifest(place)
    if file is None:
        return {}
    rows = open_manifest(file, ("path",), ()).rows
    paths, _ = find_files(file, [relative_path(where, cells["path"], file.parent) for where, cells in rows])
    return {
        path: {name: text for name, text in cells.items() if name and name not in PATHS}
        for path, (_, cells) in zip(paths, rows, strict=True)
    }


def _manifest(place: Path) -> Path | None:
    if place.is_file():
        return place
    if (place / MANIFEST).is_file():
        return place / MANIFEST if has_columns(place / MANIFEST, ("path",)) else None
    return only_table(contents(place)[1], ("path",)) if place.is_dir() else None
