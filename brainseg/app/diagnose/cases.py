"""The images to diagnose: the visitor's uploads, or a sample. They stay in memory and in this session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from brainseg.app import live_store, state
from brainseg.app.address import named_run, parameter, set_parameters
from brainseg.app.diagnose.samples import RULE, Sample, samples, thumbnail
from brainseg.app.messages import on_page
from brainseg.app.upload_limit import refuse_many
from brainseg.app.widgets.image import draw_png
from brainseg.errors import ScanError
from brainseg.results.run_images import read_image
from brainseg.runs import Run
from brainseg.scans import Scan, display_name, read_scan

NO_SAMPLES = "The dataset of this model is no longer on this machine, so there are no samples: upload an image."
MOST_FILES = 24
MOST_MEGABYTES = 50
"""Of one image; the server's limit is for datasets."""
WIDTH, ROW = 84, 296
"""Width in pixels of a thumbnail, and of three with their gaps, also in the larger type of a demo session."""


@dataclass(frozen=True)
class Case:
    """An image to be diagnosed."""

    name: str
    scan: Scan


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be read, and the sentence that says why."""

    name: str
    reason: str


def choose_cases(asked: Run | None) -> list[Case | Unreadable]:
    """Draw the uploader and the samples of a run, and return what the visitor chose last.

    Args:
        asked: The run of the first chosen model, or of the ensemble; None if none is chosen.
    """
    cleared = st.session_state.get(state.CLEARED, 0)
    key = state.uploads(cleared)
    place = refuse_many(key, MOST_FILES, "choose fewer, or diagnose a folder with the command line")
    uploads = place.file_uploader(
        "Drop images here",
        accept_multiple_files=True,
        max_upload_size=MOST_MEGABYTES,
        key=key,
        on_change=_forget_sample,
        disabled=asked is None,
        help=f"PNG, JPEG, BMP, TIFF or GIF, up to {MOST_FILES} at a time. They stay in this server's memory and are "
        "never written to its disk. The Monitoring page keeps only their hashes and the answers.",
    )
    if uploads:
        st.button(
            "Clear all images",
            key="clear-uploads",
            on_click=_clear,
            icon=":material/delete_sweep:",
            width="stretch",
            help="Removes all uploaded images at once. Without this, new uploads are added to them.",
        )
    if asked:
        _take_from_address(asked)
        _offer_samples(asked)
    sample = st.session_state.get(state.SAMPLE)
    if sample:
        _keep_sample(asked, *sample)
        if uploads:
            st.button(
                "Back to my images",
                key="back-to-uploads",
                on_click=_forget_sample,
                icon=":material/undo:",
                width="stretch",
            )
        return [_sample_case(*sample)]
    if len(uploads) > MOST_FILES:
        st.warning(
            f"{len(uploads)} files are more than the {MOST_FILES} that can be diagnosed at a time: the first "
            f"{MOST_FILES} are shown. Upload the others afterwards.",
            icon=":material/warning:",
        )
    return _read(uploads[:MOST_FILES])


def _forget_sample() -> None:
    st.session_state.pop(state.SAMPLE, None)
    set_parameters(sample="", of="")


def _clear() -> None:
    """Remove all uploads."""
    st.session_state[state.CLEARED] = st.session_state.get(state.CLEARED, 0) + 1
    st.session_state.pop(state.SHOWN_IMAGE, None)
    _forget_sample()


def _take_sample(run: Run, number: int, sample: Sample) -> None:
    st.session_state[state.SAMPLE] = (run, number, sample)


def _keep_sample(asked: Run | None, run: Run, number: int, sample: Sample) -> None:
    """Write the sample into the address, with its run if another one is chosen now."""
    other = asked is None or asked.id != run.id
    set_parameters(sample=sample.sha256[:12], of=run.id if other else "")
    st.session_state[state.SAMPLE_READ] = sample.sha256[:12]


def _take_from_address(run: Run) -> None:
    """Choose the sample that the address names, if its run offers it; only once, and never in place of another."""
    wanted = parameter("sample")
    if not wanted or st.session_state.get(state.SAMPLE) or st.session_state.get(state.SAMPLE_READ) == wanted:
        return
    st.session_state[state.SAMPLE_READ] = wanted
    owner = named_run(parameter("of"), [each for each in live_store.runs() if each.answers])[0]
    offering = owner or run
    for number, sample in enumerate(samples(offering), start=1):
        if sample.sha256.startswith(wanted):
            st.session_state[state.SAMPLE] = (offering, number, sample)


def _offer_samples(run: Run) -> None:
    """Draw thumbnails without their labels, which are shown with the answer."""
    offered = samples(run)
    if not offered:
        st.caption(NO_SAMPLES)
        return
    st.markdown("or try a sample")
    st.caption(RULE)
    with st.container(horizontal=True, gap="small", width=ROW):
        for number, sample in enumerate(offered, start=1):
            with st.container(width=WIDTH, gap="xxsmall"):
                _offer(run, number, sample)


def _offer(run: Run, number: int, sample: Sample) -> None:
    try:
        image = thumbnail(run, sample.path, sample.sha256)
    except ScanError as error:
        st.caption(str(error))
        return
    draw_png(image, f"Sample {number}, a brain MRI slice held out from training")
    shown = st.session_state.get(state.SAMPLE)
    st.button(
        f"Try {number}",
        key=f"sample-{number}",
        type="primary" if shown and shown[2] == sample else "secondary",
        on_click=_take_sample,
        args=(run, number, sample),
        width="stretch",
    )


def _sample_case(run: Run, number: int, sample: Sample) -> Case | Unreadable:
    name = f"Sample {number}: {display_name(sample.path)}"
    try:
        return Case(name, read_image(run, sample.path, sample.sha256))
    except ScanError as error:
        return Unreadable(name, str(error))


def _read(uploads: Sequence[UploadedFile]) -> list[Case | Unreadable]:
    """Read each upload once per session, and forget those that were removed."""
    kept: dict[str, Case | Unreadable] = st.session_state.get(state.CASES, {})
    read = {upload.file_id: kept.get(upload.file_id) or _case(upload) for upload in uploads}
    st.session_state[state.CASES] = read
    return list(read.values())


def _case(upload: UploadedFile) -> Case | Unreadable:
    try:
        scan = read_scan(upload.getvalue(), upload.name)
    except ScanError as error:
        return Unreadable(display_name(upload.name), on_page(error))
    return Case(scan.name, scan)
