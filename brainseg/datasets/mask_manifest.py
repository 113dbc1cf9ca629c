"""A manifest of images with masks."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from brainseg.datasets.manifest import (
    given_split,
    only_table,
    read_manifest,
    refuse_twice,
    relative_path,
)
from brainseg.datasets.mask_faults import Fault
from brainseg.datasets.mask_pairs import Listing, Pair
from brainseg.datasets.modalities import LGG_CHANNELS, canonical
from brainseg.errors import DataError
from brainseg.scans import display_name

_LGG_NAME = re.compile(r"TCGA_[A-Z0-9]{2}_[A-Z0-9]{4}_\d{8}_\d+")


def table_of_masks(folder: Path) -> Path | None:
    """Return a manifest with another name: the only table in a folder with columns path and mask whose files exist."""
    table = only_table(sorted(folder.iterdir()), ("path", "mask")) if folder.is_dir() else None
    for _, cells in read_manifest(table, ("path", "mask"), ()) if table else ():
        named = [cells["path"], cells["mask"]]
        return table if all(name and (folder / name.replace("\\", "/")).is_file() for name in named) else None
    return None


def pairs_of_manifest(file: Path) -> Listing:
    """Read the pairs that a manifest names.

    Raises:
        DataError: A row is incomplete, or a value cannot be read.
    """
    found = Listing(file.parent)
    optional = ("group", "patient", "subject", "split", "spacing_mm", "modality", "slice", "channels")
    rows = read_manifest(file, ("path", "mask"), optional)
    for where, cells in rows:
        if not cells["path"]:
            raise DataError(f"{where}: path is empty: fill it in.")
        path = relative_path(where, cells["path"], file.parent)
        if not cells["mask"]:
            found.faults.append(Fault("no mask", path, f"{display_name(path)} has no mask: fill it in ({where})."))
            continue
        found.pairs.append(
            Pair(
                path,
                relative_path(where, cells["mask"], file.parent),
                "",
                given_split(where, cells.get("split", "")),
                _spacing(where, cells.get("spacing_mm", "")),
                canonical(cells.get("modality", "")),
                cells.get("slice", ""),
                _channels(where, cells.get("channels", "")) or lgg_channels(path),
                cells,
            )
        )
    refuse_twice(file, [pair.path for pair in found.pairs])
    return found


def _spacing(where: str, text: str) -> str:
    """Return the text "row column" for one or two numbers."""
    try:
        numbers = [float(part) for part in re.split(r"[\s;x]+", text.strip())] if text else []
    except ValueError:
        numbers = [0.0]
    if len(numbers) > 2 or not all(0 < number < 100 for number in numbers):
        raise DataError(f"{where}: spacing_mm {text!r} is not one or two lengths in mm, such as 0.9 or 0.9 0.8.")
    return f"{numbers[0]!r} {numbers[-1]!r}" if numbers else ""


def _channels(where: str, text: str) -> tuple[str, ...]:
    names = tuple(canonical(name) for name in text.split())
    if names and len(names) != 3:
        raise DataError(f"{where}: channels {text!r} are not three names, such as T1 FLAIR T1ce.")
    return names


def lgg_channels(path: str) -> tuple[str, ...]:
    """Return the sequences in the channels of a TCGA-LGG image, recognised by its name; () for other images."""
    return LGG_CHANNELS if _LGG_NAME.fullmatch(PurePosixPath(path).stem) else ()
