"""One answer as a card: image, heatmap, overlay and mask side by side, and the prediction in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from brainseg.app import live_store, state
from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.ground_truth import remarks
from brainseg.app.diagnose.mask_card import show_mask
from brainseg.app.diagnose.members import Classifiers, Member
from brainseg.app.diagnose.members_card import show_evaluations, show_members
from brainseg.app.diagnose.similar import show_similar
from brainseg.app.diagnose.stability import show_stability
from brainseg.app.frame import dark, show
from brainseg.app.widgets.image import draw_png
from brainseg.diagnosis import outcome_words
from brainseg.diagnosis.calibrated import set_sentence
from brainseg.diagnosis.doubts import UNCERTAIN, UNLIKE
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.images import OPACITY, heat_colours, heatmap_caption, overlay, squared
from brainseg.diagnosis.mask_images import FILL, lay_mask
from brainseg.diagnosis.outcome_words import IF_DECIDED, IF_LIKE, NOT_CERTAIN
from brainseg.diagnosis.pointing import pointing_sentence
from brainseg.models.export.names import computed_with
from brainseg.plots.class_probabilities import probability_figure
from brainseg.results.markdown import escape

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis

SIDE = 640
"""Pixels of the side of each image."""


@dataclass(frozen=True)
class Opacities:
    """Opacity of the colours over an image, in 0..1."""

    heat: float = OPACITY
    mask: float = FILL


def show_card(answered: Answered, members: Classifiers, segmentation_model: Member | None) -> Opacities:
    """Draw an answer: the prediction, the images with their opacity, and the evidence for it.

    Returns:
        The opacities that were chosen.
    """
    _head(answered)
    # Below the headline, which needs the whole width: it would wrap in a narrow window.
    opacities = _choose_opacities(st.columns(4, gap="small"), bool(members), bool(segmentation_model))
    _draw_images(answered, members, opacities)
    asked = [*members, segmentation_model] if segmentation_model else list(members)
    if answered.answer:
        _show_decision(answered, answered.answer, members, asked)
    elif answered.marked:
        st.markdown(f"**{escape(answered.marked.sentence)}**")
        _show_remarks(answered, asked)
    if segmentation_model:
        show_mask(answered, segmentation_model)
    return opacities


def _head(answered: Answered) -> None:
    """Draw the doubts and the models' training data before any class, then the prediction."""
    st.caption(escape(answered.case.name))
    unlike, answer = answered.in_domain is False, answered.answer
    uncertain = answer if answer and answer.outcome == UNCERTAIN else None
    if unlike or uncertain:
        st.header(escape(UNLIKE if unlike else NOT_CERTAIN), anchor=False)
    if answered.warnings:
        st.warning("  \n".join(map(escape, answered.warnings)), icon=":material/warning:")
    st.markdown(f":material/school: **{escape(answered.origin)}**")
    if unlike:
        st.markdown(f":gray[{IF_LIKE} {escape(short_words(answered))}]")
    elif uncertain:
        st.markdown(f":gray[{IF_DECIDED} {escape(short_words(answered))}]")
    else:
        st.header(escape(short_words(answered)), anchor=False)


def short_words(answered: Answered) -> str:
    """Return the predicted class with its probability and threshold; without a classifier, how much is marked."""
    return outcome_words.short_words(answered.answer, answered.marked)


def tile(answered: Answered, opacities: Opacities, side: int) -> npt.NDArray[np.uint8]:
    """Return the heatmap laid over the image, with the outline of what is marked; without a heatmap, the mask.

    Args:
        answered: The answer.
        opacities: Of heatmap and mask.
        side: S, in pixels.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    pixels, mask = squared(answered.case.scan.pixels, side), opacities.mask
    if answered.answer:
        pixels, mask = overlay(pixels, squared(answered.answer.heatmap, side), opacities.heat), 0.0
    return lay_mask(pixels, answered.marked.mask, mask) if answered.marked else pixels


def _choose_opacities(columns: Sequence[DeltaGenerator], classifies: bool, marks: bool) -> Opacities:
    """Draw a slider for the heatmap and one for the mask, if there are any."""
    free, chosen = iter(columns), Opacities()
    if classifies:
        heat = next(free).slider(
            "Opacity of the heatmap, %",
            0,
            100,
            round(100 * OPACITY),
            5,
            key=state.HEATMAP_OPACITY,
            help="0 shows the image alone.",
        )
        chosen = replace(chosen, heat=heat / 100)
    if marks:
        fill = next(free).slider(
            "Opacity of the mask, %",
            0,
            100,
            round(100 * FILL),
            5,
            key=state.MASK_OPACITY,
            help="0 shows the outline alone.",
        )
        chosen = replace(chosen, mask=fill / 100)
    return chosen


def _show_decision(
    answered: Answered, answer: Diagnosis | Consensus, members: Sequence[Member], asked: Sequence[Member]
) -> None:
    words, bars = st.columns(2, gap="medium")
    with words:
        st.markdown(f"**{escape(answer.sentence)}**")
        if answered.marked:
            st.markdown(f"**{escape(answered.marked.sentence)}**")
        _show_remarks(answered, asked)
        if len(members) == 1:
            show_evaluations(members)
        if named := set_sentence(answer.prediction_set, answer.calibration):
            st.markdown(escape(named))
        with_what = computed_with(answer.backend, answer.precision)
        st.caption(
            f"Answered in {answer.seconds:.2f} s with {with_what}. {escape(' '.join(answer.certainty.sentences))}"
        )
    with bars:
        by_member = _member_probabilities(answer) if isinstance(answer, Consensus) else None
        threshold = (answer.positive, answer.point.threshold) if answer.positive and answer.point.threshold else None
        figure = probability_figure(
            answer.probabilities, by_member, answer.certainty, answer.label, threshold, dark=dark()
        )
        show(figure, "probabilities", name=f"probabilities-{answered.case.scan.sha256[:8]}")
    if isinstance(answer, Consensus):
        show_members(answer, members)
    show_stability(answered.case.scan, members)
    show_similar(answer, members)


def _draw_images(answered: Answered, members: Sequence[Member], opacities: Opacities) -> None:
    """Draw image, heatmap, overlay and mask, as far as available, in equal columns.

    The text below them reports how often the model's heatmaps hit the tumour in a measurement: a single heatmap that
    hits or misses is not the rule.
    """
    answer, name = answered.answer, answered.case.name
    pixels = squared(answered.case.scan.pixels, SIDE)
    drawn: list[tuple[str, npt.NDArray[np.uint8], str]] = [("Image", pixels, f"{name}, the image as uploaded")]
    if answer:
        heatmap = squared(answer.heatmap, SIDE)
        looked = f"{answer.heatmap_title} for {name}: bright where the model looked, black where it did not"
        drawn.append(("Heatmap", heat_colours(heatmap), looked))
        drawn.append(("Overlay", overlay(pixels, heatmap, opacities.heat), f"{name} with the heatmap laid over it"))
    if answered.marked:
        marked = lay_mask(pixels, answered.marked.mask, opacities.mask)
        drawn.append(("Mask", marked, f"{name} with the mask laid over it: {answered.marked.finding}"))
    for column, (caption, image, alt) in zip(st.columns(max(3, len(drawn)), gap="small"), drawn, strict=False):
        with column:
            draw_png(image, alt, caption)
    if answer:
        st.caption(escape(heatmap_caption(answer)))
        for member in members:
            named = f"**{escape(member.name)}** " if len(members) > 1 else ""
            st.caption(f"{named}{escape(pointing_sentence(live_store.details(member.run)['heatmaps']))}")


def _show_remarks(answered: Answered, asked: Sequence[Member]) -> None:
    for remark in remarks(answered, asked):
        icon = ":material/warning:" if remark.alarming else ":material/label:"
        (st.warning if remark.alarming else st.info)(escape(remark.sentence), icon=icon)
    for sentence in answered.case.scan.warnings:
        st.caption(escape(sentence))


def _member_probabilities(answer: Consensus) -> dict[str, dict[str, float]]:
    return {member.model: member.probabilities for member in answer.members}
