from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import COLUMNS, Dataset


def write_images(root: Path, names: Iterable[str], size: tuple[int, int] = (9, 8)) -> Path:
    """Write a small grey PNG for each name, (width, height); each has different pixels."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(zlib.crc32(name.encode("utf-8", "surrogateescape")))
        Image.fromarray(random.integers(0, 256, size[::-1]).astype(np.uint8)).save(file, "PNG")
    return root


def make_dataset(
    labels: list[str],
    groups: list[str] | None = None,
    hashes: list[str] | None = None,
    splits: list[str] | None = None,
    root: Path = Path("/set"),
) -> Dataset:
    """A dataset that is only a table; each image has different content unless `hashes` is given."""
    count = len(labels)
    columns = {
        "path": [f"{number:05d}.png" for number in range(count)],
        "label": labels,
        "group": groups or [""] * count,
        "split": splits or [""] * count,
        "sha256": hashes or [f"{number:064x}" for number in range(count)],
        "twin": "",
        "mode": "L",
        "source_format": "PNG",
        "width": 9,
        "height": 8,
        "warnings": "",
    }
    return Dataset(root, pd.DataFrame(columns, columns=COLUMNS), tuple(sorted(set(labels))))


_watched: list[list[str]] = []


def _note_opened(event: str, arguments: tuple) -> None:
    if _watched and event == "open" and str(arguments[0]).endswith(".png"):
        for opened in _watched:
            opened.append(str(arguments[0]))


sys.addaudithook(_note_opened)  # an audit hook cannot be removed; it does nothing unless a test uses it


@contextmanager
def opened_pngs() -> Iterator[list[str]]:
    """Collect the PNG files that this process opens during the block."""
    _watched.append([])
    try:
        yield _watched[-1]
    finally:
        _watched.pop()


@pytest.fixture(scope="session")
def kaggle(shared: Path) -> Dataset:
    folder = shared / "data" / "kaggle253"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    return open_dataset(folder)
