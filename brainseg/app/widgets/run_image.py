"""Images of a run's dataset as PNG: read again only after the file has changed."""

from __future__ import annotations

import numpy as np
import streamlit as st

from brainseg.app import live_store
from brainseg.app.widgets.image import png
from brainseg.files import file_state
from brainseg.results.run_images import image_file, read_image, square
from brainseg.runs import Run

State = tuple[int, int] | None


def run_image(run: Run, path: str, sha256: str | None) -> bytes:
    """Return an image of a run's dataset as a square PNG; for the arguments and errors, see `read_image`."""
    return _image(live_store.store().uri, run.id, path, sha256, image_state(run, path))


def image_state(run: Run, path: str) -> State:
    """Return what changes with the file of an image, as a key for caches; None if it is missing."""
    return file_state(image_file(run, path))


def square_png(pixels: np.ndarray) -> bytes:
    """Return (H, W, 3) uint8 pixels as a square PNG."""
    return png(np.asarray(square(pixels)))


@st.cache_data(max_entries=1000, show_spinner=False)
def _image(uri: str, run_id: str, path: str, sha256: str | None, state: State) -> bytes:
    return square_png(read_image(live_store.run(run_id), path, sha256).pixels)
