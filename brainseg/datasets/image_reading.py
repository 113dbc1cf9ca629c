"""Reads the images of a dataset: several at a time, by their paths, and only for the facts that its table needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from brainseg.datasets.image_facts import image_facts
from brainseg.datasets.listing import spelled
from brainseg.errors import ScanError
from brainseg.scans import Scan, display_name, read_scan
from brainseg.scans.reading import SEVERAL

_TOGETHER = 8
"""Files that a thread reads at a time: to hand over each one alone would cost as much as to hash it."""
Item = TypeVar("Item")
Found = TypeVar("Found")


def read_each(
    items: list[Item], read: Callable[[Item], Found], progress: Callable[[int, int], None] | None
) -> list[Found]:
    """Read the files of a dataset, several at a time; `progress` is called with (files read, files in all)."""
    found: list[Found] = []
    # Decoding releases the interpreter lock, so two threads read about twice as fast; pixels are dropped at once.
    with ThreadPoolExecutor(max_workers=4) as pool:
        for some in pool.map(lambda start: list(map(read, items[start : start + _TOGETHER])), _starts(items)):
            for facts in some:
                found.append(facts)
                if progress:
                    progress(len(found), len(items))
    return found


def _starts(items: Sequence[object]) -> range:
    return range(0, len(items), _TOGETHER)


def read_named(root: Path, path: str) -> Scan:
    """Read an image of a dataset by its path relative to the root.

    Raises:
        ScanError: It cannot be read, or its name is not in UTF-8.
    """
    return read_scan(checked_path(root, path))


def checked_path(root: Path, path: str) -> Path:
    """Return the full path of a file in a dataset.

    Raises:
        ScanError: Its name is not in UTF-8.
    """
    if spelled(path) != path:
        raise ScanError(f"{display_name(path)} has a name that is not in UTF-8: rename it.")
    return root / path


def scan_facts(scan: Scan) -> dict[str, object]:
    """Return the facts from a file itself: columns of a dataset's table, and those of `FACTS`."""
    counted = {SEVERAL, *scan.pixel_warnings}  # reported for the whole dataset by `pages_findings` and `checks`
    return {
        "sha256": scan.sha256,
        "twin": "",
        "mode": scan.mode,
        "source_format": scan.source_format,
        "width": scan.size[0],
        "height": scan.size[1],
        "warnings": " ".join(warning for warning in scan.warnings if warning not in counted),
        "pages": scan.pages,
        **image_facts(scan),
    }
