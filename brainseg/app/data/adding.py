"""The forms of the Data page that add datasets, and the one that removes them."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from brainseg import paths
from brainseg.app import live_store, state
from brainseg.app.data.folder_upload import MOST_FILES, add_uploaded_folder
from brainseg.app.data.mask_values import threshold_input
from brainseg.app.data.volumes_form import volumes_form
from brainseg.app.tasks import view_of
from brainseg.app.upload_limit import refuse_many
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.datasets.access import permitted
from brainseg.datasets.library import KnownDataset, add_folder, add_phantom, add_zip, forget
from brainseg.jobs.removal import refuse_if_needed
from brainseg.jobs.shares import refuse_if_disk_share_is_used
from brainseg.phantom import DIFFICULTIES, MODALITIES, SLICES_PER_SUBJECT
from brainseg.results.markdown import escape
from brainseg.scans import SUFFIXES
from brainseg.users.actor import current
from brainseg.users.policy import Act, may

UPLOAD_MB = 1000
"""The largest upload in MB: it is held in memory while it is unpacked. `BRAINSEG_MAX_UPLOAD_MB` sets another limit."""

OPEN = "brainseg's home folder, or in a folder that BRAINSEG_DATA names on the server."
LISTED = "a folder that BRAINSEG_DATA_FOLDERS names on the server."
NO_FILE = "No file is chosen: choose a zip file first."
DIFFICULTY_WORDS = {"realistic": "realistic", "clear": "clear: large and bright"}
DIFFICULTY_HELP = (
    "Realistic: tumours of all sizes, with other changes that look similar; a U-Net needs more than a few minutes to "
    "learn them. Clear: nothing else looks similar, for a first training."
)


def draw_adding(unlisted: dict[str, int]) -> None:
    """Draw the forms that add a dataset.

    Args:
        unlisted: Path of each dataset that runs used but that is not in the list -> number of runs.
    """
    on_server = may(Act.ADD_FOLDER)
    names = ["Upload a folder", "Upload a zip file", "Volumes", "Synthetic slices"]
    tabs = st.tabs(["Folder on the server", *names] if on_server else names)
    if on_server:
        with tabs[0]:
            _folder_form(unlisted)
    folder_upload, zip_upload, volumes, synthetic = tabs[-len(names) :]
    with folder_upload:
        _folder_upload_form()
    with zip_upload:
        _zip_upload_form()
    with volumes:
        if known := volumes_form(_upload_limit()[0]):
            _added(known)
    with synthetic:
        _synthetic_form()


def draw_removal(known: KnownDataset, runs: int) -> None:
    """Draw the button that removes a dataset after the visitor has confirmed."""
    deleted = _is_deleted(known)
    with st.popover("Remove", icon=":material/delete:", help="Remove this dataset from the list.", width="stretch"):
        if deleted:
            st.markdown("brainseg made this copy, so **its files are deleted**.")
        else:
            st.markdown("It is removed from the list. **The folder and its files stay** where they are.")
        if runs:
            st.markdown(f"{runs:,} runs used it. They stay, but can no longer show its images.")
        sure = not deleted or st.checkbox("Delete the files for good", key=f"data-sure-{known.name}")
        if st.button("Remove it", type="primary", disabled=not sure, key=f"data-forget-{known.name}"):
            refuse_if_needed(known, live_store.store().list())
            forget(known.name)
            st.session_state[state.DATASET_DONE] = removed_sentence(known)
            st.rerun()


def _is_deleted(known: KnownDataset) -> bool:
    """Return whether removing a dataset also deletes its files: only those that brainseg made."""
    return known.source != "folder"


def removed_sentence(known: KnownDataset) -> str:
    """Return the message after a dataset was removed."""
    return f"{known.name} was {'deleted' if _is_deleted(known) else 'removed from the list'}."


def added_sentence(known: KnownDataset) -> str:
    """Return the message after a dataset was added."""
    what = "with masks" if view_of(known.task).masks else f"of {len(known.counts or {})} classes"
    return f"{known.name} was added: {known.images:,} images {what}."


def _folder_form(unlisted: dict[str, int]) -> None:
    with st.form("data-folder", border=False):
        path = st.text_input(
            "Folder, or CSV manifest",
            key="data-folder-path",
            placeholder="/data/slices",
            help="On the machine that runs brainseg: one folder of images per class; train, valid and test folders of "
            "such folders; or a CSV file with the columns path and label. With masks: the folders images and masks, "
            "masks called NAME_mask, or a CSV file with the columns path and mask. Nothing is copied. It must be in "
            + (LISTED if current().confined else OPEN),
        )
        name, threshold = _options("data-folder", "folder")
        if st.form_submit_button("Add the folder", type="primary", key="data-folder-add"):
            with progress_bar("Reading images") as report_progress:
                known = add_folder(
                    path if current().confined else permitted(path),
                    name or None,
                    report_progress,
                    mask_threshold=threshold,
                )
            _added(known)
    for place, count in list(unlisted.items())[:5]:
        label = f"Add {escape(place)}, which {count} run{'s' if count > 1 else ''} used"
        if st.button(label, key=f"data-add-{place}", type="tertiary", icon=":material/add:"):
            with progress_bar("Reading images") as report_progress:
                known = add_folder(place, None, report_progress)
            _added(known)


def _options(key: str, source: str) -> tuple[str, float | None]:
    """Draw the fields that each form of files has, and return the name and the mask threshold."""
    left, right = st.columns(2)
    name = left.text_input("Name (optional)", help=f"Defaults to the {source} name.", key=f"{key}-name")
    return name.strip(), threshold_input(right, f"{key}-threshold")


def _folder_upload_form() -> None:
    with st.form("data-sent", border=False):
        instead = "upload the folder as a zip file, or use a folder on the server"
        files = refuse_many("data-sent-files", MOST_FILES, instead).file_uploader(
            f"Folder of images, at most {MOST_FILES:,} files",
            type=[suffix.removeprefix(".") for suffix in sorted({*SUFFIXES, ".csv"})],
            accept_multiple_files="directory",
            key="data-sent-files",
            help="One folder of images per class, or train, valid and test folders of such folders, in the folder that "
            "you choose. Do not upload images that identify a patient.",
        )
        name, threshold = _options("data-sent", "folder")
        if st.form_submit_button("Add these files", type="primary", key="data-sent-add"):
            refuse_if_disk_share_is_used(live_store.store())
            with progress_bar("Storing and reading") as report_progress:
                known = add_uploaded_folder(files, name or None, report_progress, threshold)
            _added(known)


def _upload_limit() -> tuple[int, int]:
    """Return the largest upload in MB, and the largest that brainseg alone would allow."""
    most = int(paths.limit("BRAINSEG_MAX_UPLOAD_MB", UPLOAD_MB))
    return min(most, int(st.get_option("server.maxUploadSize"))), most  # the server refuses files above its own limit


def _zip_upload_form() -> None:
    limit, most = _upload_limit()
    with st.form("data-upload", border=False):
        file = st.file_uploader(
            f"Zip file of images, at most {limit:,} MB",
            type="zip",
            max_upload_size=limit,
            help="One folder of images per class, or train, valid and test folders of such folders. It is unpacked on "
            "the server; other files in it are left out. Do not upload images that identify a patient.",
        )
        name, threshold = _options("data-zip", "file")
        if limit < most:
            st.caption(
                "For a larger dataset, copy its folder to the server and use Folder on the server, or start the server "
                f"with a higher limit, such as `--server.maxUploadSize {most}`."
            )
        if st.form_submit_button("Unpack and add", type="primary", key="data-zip-add"):
            if file is None:
                st.error(NO_FILE, icon=":material/error:")
            else:
                refuse_if_disk_share_is_used(live_store.store())
                with progress_bar("Unpacking and reading") as report_progress:
                    stem = PurePath(file.name).stem
                    known = add_zip(file, name or stem, report_progress, mask_threshold=threshold)
                _added(known)


def _synthetic_form() -> None:
    with st.form("data-synthetic", border=False):
        first, second, third = st.columns(3)
        count = first.number_input("Slices", 4, 5000, 400, help="Half of them get a tumour.", key="data-slices")
        each = second.number_input(
            "Slices per person",
            1,
            16,
            SLICES_PER_SUBJECT,
            help="Fewer slices of more people teach more.",
            key="data-slices-per-person",
        )
        seed = third.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed gives the same images.", key="data-seed")
        left, right = st.columns([1, 2])
        difficulty = left.selectbox(
            "Tumours",
            DIFFICULTIES,
            format_func=lambda each: DIFFICULTY_WORDS[each],
            help=DIFFICULTY_HELP,
            key="data-tumours",
        )
        chosen = right.multiselect(
            "Sequences",
            MODALITIES,
            MODALITIES,
            help="The slices of a person alternate between the sequences; a single sequence is easier.",
            key="data-synthetic-sequences",
        )
        st.caption(
            "Drawn from the MNI152 templates, to try things out: metrics measured on them say nothing about patients."
        )
        if st.form_submit_button("Make synthetic slices", type="primary", key="data-synthetic-add"):
            refuse_if_disk_share_is_used(live_store.store())
            with progress_bar("Drawing and reading slices") as report_progress:
                known = add_phantom(
                    int(count),
                    int(seed),
                    report_progress,
                    # A multiselect returns them in the order of the clicks, which would make another dataset.
                    modalities=tuple(name for name in MODALITIES if name in chosen),
                    difficulty=difficulty,
                    slices_per_subject=int(each),
                )
            _added(known)


def _added(known: KnownDataset) -> None:
    """Show the dataset that was added, in its first view."""
    st.session_state[state.DATASET_ADDED] = known.name
    st.session_state.pop(state.DATASET_VIEW, None)
    st.session_state[state.DATASET_DONE] = added_sentence(known)
    st.rerun()
