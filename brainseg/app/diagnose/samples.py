"""Sample images for a model, held out from its training, and what its dataset says about an image."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.widgets.image import png
from brainseg.diagnosis.images import squared
from brainseg.errors import RunError
from brainseg.results.run_images import image_file, read_image
from brainseg.results.stored_results import split
from brainseg.runs import Run

MOST = 6
RULE = (
    "Held out from training. Chosen by the hash of their files, the same number per class: their appearance and the "
    "model's answer play no role."
)
"""How the samples were chosen, as the page explains it."""
THUMBNAIL = 160
"""Pixels of a thumbnail's side."""


@dataclass(frozen=True)
class Sample:
    """An image of a model's dataset.

    Attributes:
        path: As in the run's split table.
        label: Its class there.
        side: "train", "valid" or "test": the last two were held out from training.
        sha256: Hash of the file's bytes.
    """

    path: str
    label: str
    side: str
    sha256: str

    @property
    def held_out(self) -> bool:
        """Whether the model was not trained on it."""
        return self.side in ("valid", "test")


def samples(run: Run) -> list[Sample]:
    """Pick held-out images by a rule: the first ones of each class in the order of their files' hashes.

    A hash does not depend on how an image looks or what the model answers, so the samples are fair, with right and
    wrong answers, and always the same for a run. An image whose file is gone is skipped. There are `MOST` at most, or
    one per class if there are more classes.
    """
    table = _table(run)
    if table is None or run.config.data.modalities:  # an image has several files, or its hash is not that of its file
        return []
    held_out = table[table["split"].isin(["valid", "test"])].sort_values(["sha256", "path"])
    classes = sorted(held_out["label"].unique())
    each = max(1, MOST // max(1, len(classes)))
    chosen = [sample for name in classes for sample in _existing(run, held_out[held_out["label"] == name], each)]
    # In the order of the classes, their places would reveal their labels.
    return sorted(chosen, key=lambda sample: sample.sha256)


def known(run: Run, sha256: str) -> Sample | None:
    """Return what a model's dataset says about an image with these bytes; a copy in the training set comes first."""
    table = _table(run)
    if table is None:
        return None
    found = table[table["sha256"] == sha256].sort_values("split", key=lambda sides: sides != "train")
    return _sample(found.iloc[0]) if len(found) else None


@st.cache_data(max_entries=500, show_spinner=False)
def thumbnail(_run: Run, path: str, sha256: str) -> bytes:
    """Return a small square PNG.

    Raises:
        ScanError: The image is gone, cannot be read, or has changed.
    """
    return png(squared(read_image(_run, path, sha256).pixels, THUMBNAIL))


def _existing(run: Run, rows: pd.DataFrame, count: int) -> list[Sample]:
    """Return the first samples whose files exist; copies of one image count once."""
    found: list[Sample] = []
    for _, row in rows.drop_duplicates("sha256").iterrows():
        if len(found) == count:
            break
        if image_file(run, row["path"]).is_file():
            found.append(_sample(row))
    return found


def _sample(row: pd.Series) -> Sample:
    return Sample(row["path"], row["label"], row["split"], row["sha256"])


def _table(run: Run) -> pd.DataFrame | None:
    return _read(live_store.store().uri, run.id, str(run.ended))


@st.cache_data(max_entries=50, show_spinner=False)
def _read(uri: str, run_id: str, ended: str) -> pd.DataFrame | None:
    try:
        return split(live_store.store(), live_store.run(run_id))
    except RunError:  # a damaged table only removes the samples: diagnosis still works
        return None
