"""The form of the Data page that cuts volumes into a dataset of slices."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import BinaryIO

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.datasets.access import permitted
from brainseg.datasets.library import KnownDataset
from brainseg.datasets.volumes.adding import add_volumes
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.errors import DataError
from brainseg.jobs.shares import refuse_if_disk_share_is_used
from brainseg.scans.volumes.sequence import SEQUENCES
from brainseg.scans.volumes.slices import PLANES
from brainseg.users.actor import current

NOTHING = "Nothing is chosen: enter a folder on the server, or choose a zip file."
BOTH = "Both a folder and a zip file are chosen: keep one of them."


def volumes_form(limit: int) -> KnownDataset | None:
    """Draw the form, and return the dataset when one was added.

    Args:
        limit: Largest zip file in MB.

    Raises:
        DataError: The volumes cannot be used; the sentence says why.
    """
    with st.form("data-volumes", border=False):
        left, right = st.columns(2)
        path = left.text_input(
            "Folder of volumes on the server",
            key="data-volumes-path",
            placeholder="/data/BraTS",
            help="BraTS, the Medical Decathlon, nnU-Net, BIDS, DICOM files with a mask beside them, MATLAB files of "
            "the figshare set, or any folder in which the files of a study share their names.",
        )
        file = right.file_uploader(
            f"Or a zip file of volumes, at most {limit:,} MB",
            type="zip",
            max_upload_size=limit,
            key="data-volumes-file",
            help="Only slices without names and headers are kept; the file is deleted.",
        )
        first, second, third, fourth = st.columns(4)
        plane = first.selectbox("Plane", list(PLANES), help="Diagnose in the plane that a model learnt from.")
        chosen = second.multiselect(
            "Sequences", SEQUENCES, help="Those that each study must have; empty takes what there is."
        )
        every = third.number_input("Take each … slice", 1, 100, 1, help="Neighbouring slices look alike: 2 takes half.")
        name = fourth.text_input("Name (optional)", help="Defaults to the name of the folder or file.").strip()
        st.caption("Files and patients are numbered, since names of files may be names of people.")
        if not st.form_submit_button("Cut into slices and add", type="primary", key="data-volumes-add"):
            return None
    if bool(path.strip()) == bool(file):
        raise DataError(BOTH if file else NOTHING)
    settings = CutSettings(plane, tuple(each for each in SEQUENCES if each in chosen), int(every))
    refuse_if_disk_share_is_used(live_store.store())
    with progress_bar("Cutting and reading") as report_progress:
        source: Path | BinaryIO
        title: str | None
        if file:
            source, title = file, name or PurePath(file.name).stem
        else:  # where not all of the home is open, `add_volumes` asks the list of folders
            source, title = Path(path if current().confined else permitted(path)), name or None
        known, made = add_volumes(source, title, settings, report_progress)
    st.session_state[state.DATASET_NOTES] = made.notes
    return known
