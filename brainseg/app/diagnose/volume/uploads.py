"""The uploaders of volumes, and what was read from them."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from brainseg.app import state
from brainseg.app.diagnose.volume.series import (
    MEMORY,
    Refused,
    Series,
    Upload,
    distinct,
    grouped,
    read_group,
    synthetic_series,
    voxel_bytes,
)
from brainseg.app.upload_limit import refuse_many

MOST_FILES = 2000
"""Most files at a time. Each file is a request of its own, so a zip file is much faster."""
INSTEAD = "pack them as one zip file"
HELP = (
    "DICOM, NIfTI, NRRD, MetaImage or a TIFF of several pages: single files, a whole folder, or a zip file, which is "
    "fastest. They are kept in this server's memory while this visit lasts. They are on its disk only while they are "
    "read, and nothing of them is stored."
)


def choose_series() -> tuple[list[Series], list[Refused]]:
    """Draw the uploaders, and return the series of the uploaded files and what could not be read."""
    _import_readers()
    cleared = st.session_state.get(state.VOLUMES_CLEARED, 0)
    uploads = [*_files(state.volume_uploads(cleared))]
    with st.expander("Upload a folder", icon=":material/folder_open:"):
        uploads += _folder(state.volume_folder(cleared))
    synthetic = bool(st.session_state.get(state.SYNTHETIC_STUDY))
    if uploads or synthetic:
        st.button(
            "Clear all volumes",
            key="clear-volumes",
            on_click=_clear,
            icon=":material/delete_sweep:",
            width="stretch",
            help="Removes all uploaded volumes, their answers and your corrections from this visit at once.",
        )
    else:
        st.button(
            "Try a synthetic study",
            key="synthetic-study",
            on_click=_take_synthetic,
            icon=":material/science:",
            width="stretch",
            help="Four sequences of a person who does not exist, with a tumour; drawing them takes some seconds.",
        )
    if len(uploads) > MOST_FILES:
        st.warning(f"{len(uploads):,} files are more than the {MOST_FILES:,} that are read: {INSTEAD}.")
        return [], []
    found = _read(uploads)
    if synthetic:
        found = distinct([*found, *_synthetic()])
    return [each for each in found if isinstance(each, Series)], [each for each in found if isinstance(each, Refused)]


@st.cache_resource(show_spinner=False)
def _import_readers() -> None:
    """Import the libraries that read volumes, once per server, while the visitor still chooses the files."""

    def load() -> None:
        with suppress(ImportError):  # a missing one is named when it is needed
            import_module("brainseg.scans.volumes.reading")

    threading.Thread(target=load, name="readers", daemon=True).start()


def _files(key: str) -> list[UploadedFile]:
    return refuse_many(key, MOST_FILES, INSTEAD).file_uploader(
        "Drop a scan here: DICOM, NIfTI, NRRD or zip", accept_multiple_files=True, key=key, help=HELP
    )


def _folder(key: str) -> list[UploadedFile]:
    return refuse_many(key, MOST_FILES, INSTEAD).file_uploader(
        f"Folder of one study, at most {MOST_FILES:,} files",
        accept_multiple_files="directory",
        key=key,
        help="With all folders in it; files that hold no scan are passed over.",
    )


def _take_synthetic() -> None:
    st.session_state[state.SYNTHETIC_STUDY] = True


@st.cache_resource(show_spinner="Drawing a synthetic person …")
def _synthetic() -> list[Series]:
    """Return the synthetic study, drawn once per server: it is nobody's."""
    return synthetic_series()


def _clear() -> None:
    """Remove all uploads and everything that was made from them."""
    st.session_state[state.VOLUMES_CLEARED] = st.session_state.get(state.VOLUMES_CLEARED, 0) + 1
    if work := st.session_state.pop(state.VOLUME_WORK, None):
        work[1].cancel()
    for key in (
        state.VOLUMES_READ,
        state.SYNTHETIC_STUDY,
        state.SHOWN_SERIES,
        state.SEQUENCES,
        state.VOLUMES_DERIVED,
        state.VOLUME_ANSWERS,
        state.VOLUME_FAILED,
        state.VIEWER_JUMP,
    ):
        st.session_state.pop(key, None)


def _read(uploads: list[UploadedFile]) -> list[Series | Refused]:
    """Read what is new since the last time, and forget what was removed."""
    kept: dict[tuple[str, ...], list[Series | Refused]] = st.session_state.get(state.VOLUMES_READ, {})
    groups = grouped([Upload(each.file_id, each.name, each.getbuffer()) for each in uploads])
    named = {tuple(each.id for each in files): name for name, files in groups.items()}
    read = {ids: kept[ids] for ids in named if ids in kept}
    st.session_state[state.VOLUMES_READ] = read  # what was removed makes room for what is new
    del kept
    if len(read) < len(named):
        with st.spinner("Reading the files …", show_time=True):
            for ids, name in named.items():
                if ids not in read:
                    room = MEMORY - sum(map(voxel_bytes, read.values()))
                    read[ids] = read_group(name, groups[name], room)
    return distinct([each for ids in named for each in read[ids]])
