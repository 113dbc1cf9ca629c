"""One answer as a card: image, heatmap, overlay and mask side by side, and what the models say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from brainseg.app import live_store
from brainseg.app.diagnose.answers import Answered, standing
from brainseg.app.diagnose.mask_card import lay_mask, show_mask
from brainseg.app.diagnose.members import Member
from brainseg.app.frame import dark, show
from brainseg.diagnosis.doubts import UNLIKE
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.mask_picture import FILL
from brainseg.diagnosis.picture import CAPTION, OPACITY, heat_colours, overlay, squared
from brainseg.diagnosis.pointing import pointing_words
from brainseg.diagnosis.words import judged, percent
from brainseg.plots.class_probabilities import probability_figure
from brainseg.results.markdown import escape

SIDE = 640
"""Pixels of each picture's side."""


@dataclass(frozen=True)
class Opacities:
    """How much of a picture its colours hide, in 0..1."""

    heat: float = OPACITY
    mask: float = FILL


def show_card(answered: Answered, members: Sequence[Member], marker: Member | None) -> Opacities:
    """Draw a good answer: the decision, the pictures with their opacity, and what supports it.

    Returns:
        The opacities that were chosen.
    """
    _head(answered)
    # Under the headline, so that it has the whole width: a narrow window wraps it otherwise.
    opacities = _choose_opacities(st.columns(4, gap="small"), bool(members), bool(marker))
    _pictures(answered, members, opacities)
    if members:
        _show_decision(answered, members, marker)
    else:
        st.markdown(f"**{escape(answered.marked.sentence)}**")
        _show_standing(answered, [marker])
    if marker:
        show_mask(answered, marker)
    return opacities


def _head(answered: Answered) -> None:
    """Say what stands before any class: doubts, and what the models are; then the decision."""
    st.caption(escape(answered.case.name))
    unlike = answered.in_domain is False
    if unlike:
        st.header(escape(UNLIKE), anchor=False)
    if answered.warnings:
        st.warning("  \n".join(map(escape, answered.warnings)), icon=":material/warning:")
    st.markdown(f":material/school: **{escape(answered.origin)}**")
    if unlike:
        st.markdown(f":gray[If it were, the answer would be: {escape(short_words(answered))}]")
    else:
        st.header(escape(short_words(answered)), anchor=False)


def short_words(answered: Answered) -> str:
    """Return the decision with its probability; without a classifier, how much is marked."""
    answer, marked = answered.answer, answered.marked
    if answer:
        return f"{answer.label} · {percent(answer.probabilities[answer.label])}"
    return f"{marked.area:,.0f} {marked.area_unit} marked" if marked.regions else "Nothing marked"


def tile(answered: Answered, opacities: Opacities, side: int) -> np.ndarray:
    """Return the heatmap laid over the image, with the outline of what is marked; without a heatmap, the mask.

    Args:
        answered: A good answer.
        opacities: Of heatmap and mask.
        side: S, in pixels.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    pixels, mask = squared(answered.case.scan.pixels, side), opacities.mask
    if answered.answer:
        pixels, mask = overlay(pixels, squared(answered.answer.heatmap, side), opacities.heat), 0.0
    return lay_mask(pixels, answered.marked.mask, mask) if answered.marked else pixels


def _choose_opacities(columns: list[DeltaGenerator], classifies: bool, marks: bool) -> Opacities:
    """Draw a slider for each kind of picture that there is."""
    columns, chosen = iter(columns), Opacities()
    if classifies:
        heat = next(columns).slider(
            "Opacity of the heatmap, %", 0, 100, round(100 * OPACITY), 5, key="opacity", help="0 shows the image alone."
        )
        chosen = replace(chosen, heat=heat / 100)
    if marks:
        fill = next(columns).slider(
            "Opacity of the mask, %", 0, 100, round(100 * FILL), 5, key="fill", help="0 leaves the outline alone."
        )
        chosen = replace(chosen, mask=fill / 100)
    return chosen


def _show_decision(answered: Answered, members: Sequence[Member], marker: Member | None) -> None:
    answer = answered.answer
    words, bars = st.columns(2, gap="medium")
    with words:
        st.markdown(f"**{escape(answer.sentence)}**")
        if answered.marked:
            st.markdown(f"**{escape(answered.marked.sentence)}**")
        _show_standing(answered, [*members, marker] if marker else members)
        if len(members) == 1:
            _judged(members)
        worth = "A probability is the model's own score, not a calibrated risk."
        st.caption(f"Answered in {answer.seconds:.2f} s. {worth}")
    with bars:
        shares = _member_shares(answer) if isinstance(answer, Consensus) else None
        figure = probability_figure(answer.probabilities, shares, dark=dark())
        show(figure, "probabilities", name=f"probabilities-{answered.case.scan.sha256[:8]}")
    if isinstance(answer, Consensus):
        _agreement(answer, members)


def _pictures(answered: Answered, members: Sequence[Member], opacities: Opacities) -> None:
    """Draw image, heatmap, overlay and mask, as far as there are, in equal columns, and say what the heatmap is worth.

    The last is measured, so that nobody takes one heatmap that hits, or misses, for the rule.
    """
    answer, name = answered.answer, answered.case.name
    pixels = squared(answered.case.scan.pixels, SIDE)
    drawn: list[tuple[str, np.ndarray, str]] = [("Image", pixels, f"{name}, the image as it was put in")]
    if answer:
        heatmap = squared(answer.heatmap, SIDE)
        looked = f"{answer.heatmap_title} for {name}: bright where the model looked, black where not"
        drawn.append(("Heatmap", heat_colours(heatmap), looked))
        drawn.append(("Overlay", overlay(pixels, heatmap, opacities.heat), f"{name} with the heatmap laid over it"))
    if answered.marked:
        marked = lay_mask(pixels, answered.marked.mask, opacities.mask)
        drawn.append(("Mask", marked, f"{name} with the mask laid over it: {answered.marked.finding}"))
    for column, (caption, picture, alt) in zip(st.columns(max(3, len(drawn)), gap="small"), drawn, strict=False):
        column.image(picture, caption=caption, width="stretch", alt=alt, output_format="PNG")
    if answer:
        st.caption(
            f"{escape(answer.heatmap_title)}, from black (not looked at) to bright yellow (looked at most). {CAPTION}"
        )
        for member in members:
            named = f"**{escape(member.name)}** " if len(members) > 1 else ""
            st.caption(f"{named}{escape(pointing_words(live_store.details(member.run)['heatmaps']))}")


def _show_standing(answered: Answered, asked: Sequence[Member]) -> None:
    for remark in standing(answered, asked):
        icon = ":material/warning:" if remark.alarming else ":material/label:"
        (st.warning if remark.alarming else st.info)(escape(remark.sentence), icon=icon)
    for sentence in answered.case.scan.warnings:
        st.caption(escape(sentence))


def _member_shares(answer: Consensus) -> dict[str, dict[str, float]]:
    return {member.model: member.probabilities for member in answer.members}


def _agreement(answer: Consensus, members: Sequence[Member]) -> None:
    """Say how far the members disagree."""
    shares = [member.probabilities[answer.label] for member in answer.members]
    st.markdown(
        f"**How far they agree.** The members give {escape(answer.label)} between {percent(min(shares))} and "
        f"{percent(max(shares))}: a range of {100 * answer.spread[answer.label]:.1f} points, standard deviation "
        f"{100 * answer.deviation[answer.label]:.1f} points."
    )
    for other in answer.dissenters:
        st.warning(f"Says otherwise: {escape(other.sentence)}", icon=":material/call_split:")
    table = pd.DataFrame(
        {
            "Model": [member.model for member in answer.members],
            "Says": [member.label for member in answer.members],
            f"Probability of {answer.label}": [percent(share) for share in shares],
        }
    )
    st.dataframe(table, hide_index=True, width="stretch")
    _judged(members)
    st.caption("The ensemble as a whole was not evaluated on held-out images.")


def _judged(members: Sequence[Member]) -> None:
    for member in members:
        st.caption(f"**{escape(member.name)}** {escape(judged(member.description.validation))}")
