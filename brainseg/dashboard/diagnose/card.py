"""One answer as a card: image, heatmap and overlay side by side, and the decision beside its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from brainseg.dashboard.diagnose.answers import Answered, standing
from brainseg.dashboard.diagnose.members import Member
from brainseg.dashboard.figures.probabilities import probability_figure
from brainseg.dashboard.page import dark, show
from brainseg.dashboard.words import plain
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.picture import CAPTION, OPACITY, heat_colours, overlay, squared
from brainseg.diagnosis.words import judged, percent

SIDE = 640
"""Pixels of each picture's side."""


def show_card(answered: Answered, members: Sequence[Member]) -> None:
    """Draw a good answer: the decision, the pictures with their opacity, and what supports it."""
    answer = answered.answer
    title, slider = st.columns([2, 1], vertical_alignment="bottom", gap="small")
    title.caption(plain(answered.case.name))
    title.header(f"{plain(answer.label)} · {percent(answer.probabilities[answer.label])}", anchor=False)
    opacity = slider.slider(
        "Opacity of the heatmap, %", 0, 100, round(100 * OPACITY), 5, key="opacity", help="0 shows the image alone."
    )
    _pictures(answered, opacity / 100)
    words, bars = st.columns(2, gap="medium")
    with words:
        _decision(answered, members)
    with bars:
        shares = _member_shares(answer) if isinstance(answer, Consensus) else None
        figure = probability_figure(answer.probabilities, shares, dark=dark())
        show(figure, "probabilities", name=f"probabilities-{answered.case.scan.sha256[:8]}")
    if isinstance(answer, Consensus):
        _agreement(answer, members)


def _pictures(answered: Answered, opacity: float) -> None:
    """Draw image, heatmap and overlay in three equal columns."""
    answer, name = answered.answer, answered.case.name
    pixels, heatmap = squared(answered.case.scan.pixels, SIDE), squared(answer.heatmap, SIDE)
    of_class = answer.heatmap_title
    drawn: tuple[tuple[str, np.ndarray, str], ...] = (
        ("Image", pixels, f"{name}, the image as it was put in"),
        ("Heatmap", heat_colours(heatmap), f"{of_class} for {name}: bright where the model looked, black where not"),
        ("Overlay", overlay(pixels, heatmap, opacity), f"{name} with the heatmap laid over it"),
    )
    for column, (caption, picture, alt) in zip(st.columns(3, gap="small"), drawn, strict=True):
        column.image(picture, caption=caption, width="stretch", alt=alt, output_format="PNG")
    st.caption(
        f"{plain(answer.heatmap_title)}, from black (not looked at) to bright yellow (looked at most). {CAPTION}"
    )


def _decision(answered: Answered, members: Sequence[Member]) -> None:
    answer = answered.answer
    st.markdown(f"**{plain(answer.sentence)}**")
    for remark in standing(answered, members):
        icon = ":material/warning:" if remark.alarming else ":material/label:"
        (st.warning if remark.alarming else st.info)(plain(remark.sentence), icon=icon)
    for sentence in answered.case.scan.warnings:
        st.caption(plain(sentence))
    if len(members) == 1:
        _judged(members)
    st.caption(f"Answered in {answer.seconds:.2f} s. A probability is the model's own score, not a calibrated risk.")


def _member_shares(answer: Consensus) -> dict[str, dict[str, float]]:
    return {member.model: member.probabilities for member in answer.members}


def _agreement(answer: Consensus, members: Sequence[Member]) -> None:
    """Say how far the members disagree."""
    shares = [member.probabilities[answer.label] for member in answer.members]
    st.markdown(
        f"**How far they agree.** The members give {plain(answer.label)} between {percent(min(shares))} and "
        f"{percent(max(shares))}: a spread of {100 * answer.spread[answer.label]:.1f} points, standard deviation "
        f"{100 * answer.deviation[answer.label]:.1f} points."
    )
    for other in answer.dissenters:
        st.warning(f"Says otherwise: {plain(other.sentence)}", icon=":material/call_split:")
    table = pd.DataFrame(
        {
            "Model": [member.model for member in answer.members],
            "Says": [member.label for member in answer.members],
            f"Probability of {answer.label}": [percent(share) for share in shares],
        }
    )
    st.dataframe(table, hide_index=True, width="stretch")
    _judged(members)
    st.caption("The ensemble as a whole was not judged on held-out images.")


def _judged(members: Sequence[Member]) -> None:
    for member in members:
        st.caption(f"**{plain(member.name)}** {plain(judged(member.description.validation))}")
