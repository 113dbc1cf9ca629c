"""The images that are to be diagnosed: put in by the visitor, or a sample. They stay in memory and in this session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from brainseg.app import live_store
from brainseg.app.address import keep, named_run, parameter
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.samples import RULE, Sample, samples, thumbnail
from brainseg.app.upload_limit import refuse_many
from brainseg.errors import ScanError
from brainseg.results.run_images import read_image
from brainseg.scans import Scan, display_name, read_scan

MOST_FILES = 24
MOST_MEGABYTES = 50
"""Of one image; the server's own limit is for datasets."""
WIDTH, ROW = 84, 296
"""Pixels of a shown thumbnail, and of three with the gaps between them, also in the larger type of a demo session."""


@dataclass(frozen=True)
class Case:
    """One image: its name, and the scan or the sentence that says why it cannot be read."""

    name: str
    scan: Scan | None
    error: str = ""


def choose_cases(asked: Sequence[Member]) -> list[Case]:
    """Draw the upload and the samples of the first model that is asked, and return what was chosen last."""
    cleared = st.session_state.get("cleared", 0)
    key = f"uploads-{cleared}" if cleared else "uploads"  # another key is an empty uploader
    uploads = st.file_uploader(
        "Drop images here",
        accept_multiple_files=True,
        max_upload_size=MOST_MEGABYTES,
        key=key,
        on_change=_forget_sample,
        disabled=not asked,
        help=f"PNG, JPEG, BMP, TIFF or GIF, up to {MOST_FILES} at a time. They stay in this server's memory and are "
        "never written to its disk.",
    )
    refuse_many(key, MOST_FILES, "choose fewer, or diagnose a folder with the command line")
    if uploads:
        st.button(
            "Clear all images",
            on_click=_clear,
            icon=":material/delete_sweep:",
            width="stretch",
            help="Removes all uploaded images at once; further uploads add to those that are there.",
        )
    if asked:
        _take_from_address(asked[0])
        _offer_samples(asked[0])
    sample = st.session_state.get("sample")
    if sample:
        _keep_sample(asked[0] if asked else None, *sample)
        if uploads:
            st.button("Back to my images", on_click=_forget_sample, icon=":material/undo:", width="stretch")
        return [_sample_case(*sample)]
    if len(uploads) > MOST_FILES:
        st.warning(
            f"{len(uploads)} files are more than the {MOST_FILES} that are answered at a time: the first {MOST_FILES} "
            "are, put in the others afterwards.",
            icon=":material/warning:",
        )
    return _read(uploads[:MOST_FILES])


def _forget_sample() -> None:
    st.session_state.pop("sample", None)
    keep(sample="", of="")


def _clear() -> None:
    """Take all uploads out."""
    st.session_state["cleared"] = st.session_state.get("cleared", 0) + 1
    st.session_state.pop("shown", None)
    _forget_sample()


def _take_sample(member: Member, number: int, sample: Sample) -> None:
    st.session_state["sample"] = (member, number, sample)


def _keep_sample(asked: Member | None, member: Member, number: int, sample: Sample) -> None:
    """Keep the sample in the address, and whose it is where another model is asked by now."""
    other = asked is None or asked.run.id != member.run.id
    keep(sample=sample.sha256[:12], of=member.run.id if other else "")
    st.session_state["looked for"] = sample.sha256[:12]


def _take_from_address(member: Member) -> None:
    """Choose the sample that the address names, if its model offers it; once, and not in place of another."""
    wanted = parameter("sample")
    if not wanted or st.session_state.get("sample") or st.session_state.get("looked for") == wanted:
        return
    st.session_state["looked for"] = wanted
    owner = named_run(parameter("of"), [run for run in live_store.runs() if run.has_model])[0]
    offering = Member.of(owner) if owner else member
    for number, sample in enumerate(samples(offering.run), start=1):
        if sample.sha256.startswith(wanted):
            st.session_state["sample"] = (offering, number, sample)


def _offer_samples(member: Member) -> None:
    """Draw thumbnails without their labels, which come with the answer."""
    offered = samples(member.run)
    if not offered:
        st.caption("The dataset of this model is not on this machine any more, so it has no samples: put in an image.")
        return
    st.markdown("or try a sample")
    st.caption(RULE)
    with st.container(horizontal=True, gap="small", width=ROW):
        for number, sample in enumerate(offered, start=1):
            with st.container(width=WIDTH, gap="xxsmall"):
                _offer(member, number, sample)


def _offer(member: Member, number: int, sample: Sample) -> None:
    try:
        picture = thumbnail(member.run, sample.path, sample.sha256)
    except ScanError as error:
        st.caption(str(error))
        return
    st.image(picture, width="stretch", alt=f"Sample {number}, a brain MRI slice held out from training")
    shown = st.session_state.get("sample")
    st.button(
        f"Try {number}",
        key=f"sample-{number}",
        type="primary" if shown and shown[2] == sample else "secondary",
        on_click=_take_sample,
        args=(member, number, sample),
        width="stretch",
    )


def _sample_case(member: Member, number: int, sample: Sample) -> Case:
    name = f"Sample {number}: {display_name(sample.path)}"
    try:
        return Case(name, read_image(member.run, sample.path, sample.sha256))
    except ScanError as error:
        return Case(name, None, str(error))


def _read(uploads: Sequence[UploadedFile]) -> list[Case]:
    """Read each upload once in a session, and forget those that were taken out."""
    kept: dict[str, Case] = st.session_state.get("cases", {})
    read = {upload.file_id: kept.get(upload.file_id) or _case(upload) for upload in uploads}
    st.session_state["cases"] = read
    return list(read.values())


def _case(upload: UploadedFile) -> Case:
    try:
        scan = read_scan(upload.getvalue(), upload.name)
    except ScanError as error:
        return Case(display_name(upload.name), None, str(error))
    return Case(scan.name, scan)
