"""Datasets as they were read last: a large one takes minutes to read and seldom changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from brainseg import paths
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import COLUMNS, BadFile, Dataset
from brainseg.files import sha256_bytes, write_json

FORMAT = 1


def inspect_dataset(path: Path, progress: Callable[[int, int], None] | None = None) -> Dataset:
    """Return a dataset, read anew only if a file in its folder came, went or changed since it was read last.

    Args:
        path: What `open_dataset` takes.
        progress: Called with (files read, files in all) while it is read.

    Raises:
        DataError: The path does not exist or holds no dataset.
    """
    stamp = signature(path)
    return remembered(path, stamp) or remember(path, open_dataset(path, progress), stamp)


def signature(path: Path) -> str:
    """Return 64 hexadecimal digits that differ after every file that came, went or changed; reads no content.

    A file counts as changed by its size or its time, as rsync has it.
    """
    path = path.expanduser()
    files = [f"{place}/{name}" for place, _, names in os.walk(_root(path)) for name in names]
    facts = [str(FORMAT), str(path.absolute())]
    for file in sorted(files):
        try:
            state = Path(file).stat()
        except OSError:  # a link to nowhere, or gone since
            facts.append(file)
            continue
        facts.append(f"{file}\t{state.st_size}\t{state.st_mtime_ns}")
    return sha256_bytes("\n".join(facts).encode("utf-8", "surrogateescape"))


def remembered(path: Path, stamp: str) -> Dataset | None:
    """Return the dataset as it was read when its signature was `stamp`; None if it is not known any more."""
    try:
        stored = json.loads(_file(path).read_text("utf-8"))
        if stored["signature"] != stamp:
            return None
        table = pd.DataFrame(stored["rows"], columns=COLUMNS)
        bad = tuple(BadFile(**entry) for entry in stored["bad"])
        return Dataset(Path(stored["root"]), table, tuple(stored["classes"]), bad, tuple(stored["ignored"]))
    except (OSError, ValueError, KeyError, TypeError):  # a cache may be missing or damaged: it is filled again
        return None


def remember(path: Path, dataset: Dataset, stamp: str) -> Dataset:
    """Keep a dataset for the next time, and return it."""
    stored = {
        "signature": stamp,
        "root": str(dataset.root),
        "classes": dataset.classes,
        "rows": dataset.table[COLUMNS].to_numpy().tolist(),
        "bad": [vars(bad) for bad in dataset.bad],
        "ignored": dataset.ignored,
    }
    write_json(_file(path), stored)
    return dataset


def forget_inspection(path: Path) -> None:
    """Remove what was kept of a dataset."""
    _file(path).unlink(missing_ok=True)


def _root(path: Path) -> Path:
    return path.parent if path.is_file() else path


def _file(path: Path) -> Path:
    name = sha256_bytes(str(path.expanduser().absolute()).encode("utf-8", "surrogateescape"))[:32]
    return paths.subfolder("cache", "inspections") / f"{name}.json"
