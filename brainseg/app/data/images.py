"""Thumbnails of the images of a dataset, and the choice of which images to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from brainseg.app.widgets.image import png
from brainseg.datasets.duplicates import duplicate_groups
from brainseg.datasets.table import Dataset
from brainseg.errors import ScanError
from brainseg.plots.dataset_overview import GIVEN
from brainseg.scans import read_scan

SIDE = 200
"""Pixels of the longer side of a thumbnail."""


@dataclass(frozen=True)
class CopyGroup:
    """Files that are the same byte for byte, or images that look the same though their bytes differ.

    Attributes:
        rows: Columns `path`, `label` and `split` of the files.
        labels: The different labels among them.
        splits: The different given splits among them.
        near: Whether their bytes differ; `rows` then has only the first of the files with the same bytes.
    """

    rows: pd.DataFrame
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    near: bool = False

    @property
    def faults(self) -> list[str]:
        """Problems other than being copies, one sentence each."""
        faults = []
        if len(self.labels) > 1:
            faults.append(f"Different labels ({', '.join(self.labels)}): at least one of them is wrong.")
        if len(self.splits) > 1:
            sets = " and ".join(name for name in GIVEN if name in self.splits)
            faults.append(f"In more than one set ({sets}): metrics on these images say nothing about new images.")
        return faults


def sample(dataset: Dataset, each: int, seed: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each class with `each` of its images (fewer if it has fewer), drawn without repeats by `seed`."""
    random = np.random.default_rng(seed)
    for name in dataset.classes:
        rows = dataset.table[dataset.table["label"] == name]
        chosen = random.permutation(len(rows))[:each]
        yield name, rows.iloc[sorted(chosen)]


def copy_groups(dataset: Dataset) -> list[CopyGroup]:
    """Return the groups of copies: those with different labels first, then those across splits; near copies last."""
    table = dataset.table.assign(split=dataset.table["split"].where(dataset.table["split"] != "", None))
    found = duplicate_groups(table)
    rows = dataset.table.set_index("path")[["label", "split"]]
    groups = [
        CopyGroup(rows.loc[paths].reset_index(), tuple(labels), tuple(splits))
        for paths, labels, splits in zip(found["paths"], found["labels"], found["splits"], strict=True)
    ]
    groups += _near_groups(dataset)
    return sorted(groups, key=lambda group: (len(group.labels) < 2, len(group.splits) < 2, group.near))


def _near_groups(dataset: Dataset) -> list[CopyGroup]:
    twins = dataset.table[dataset.table["twin"] != ""]
    return [
        CopyGroup(
            rows.drop_duplicates("sha256")[["path", "label", "split"]].reset_index(drop=True),
            tuple(sorted(rows["label"].unique())),
            tuple(sorted(set(rows["split"]) - {""})),
            near=True,
        )
        for _, rows in twins.groupby("twin", sort=False)
    ]


def copy_table(groups: Iterable[CopyGroup]) -> pd.DataFrame:
    """Return one row per file: the number of its `group`, the group's `kind`, `path`, `label` and `split`."""
    parts = [
        group.rows.assign(group=number, kind="near" if group.near else "identical")
        for number, group in enumerate(groups, start=1)
    ]
    columns = ["group", "kind", "path", "label", "split"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def thumbnail(dataset: Dataset, path: str) -> bytes | None:
    """Return a small PNG of an image, cached by its content; None if it can no longer be read."""
    row = dataset.table.loc[dataset.table["path"] == path, "sha256"]
    return _thumbnail(str(dataset.file(path)), row.iloc[0])


@st.cache_data(max_entries=2000, show_spinner=False)
def _thumbnail(file: str, sha256: str) -> bytes | None:
    try:
        image = Image.fromarray(read_scan(Path(file)).pixels)
    except ScanError:
        return None
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return png(np.asarray(image))
