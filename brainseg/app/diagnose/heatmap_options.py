"""The settings of the heatmap on Diagnose: what it explains, and how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from brainseg.app import state
from brainseg.app.diagnose.address import HEATMAP_CLASS, HEATMAP_LAYER, HEATMAP_METHOD, named_option, new_visit
from brainseg.app.diagnose.members import Member
from brainseg.diagnosis.methods import METHODS, layer_name


@dataclass(frozen=True)
class HeatmapOptions:
    """What the heatmap shows: see `diagnosis.joint.diagnose_jointly`. None stands for the default."""

    explain: str | None = None
    method: str | None = None
    stage: int | None = None


def choose_heatmap(members: Sequence[Member]) -> HeatmapOptions:
    """Draw the settings of the heatmap; a new visit starts with those of the address."""
    last = max(member.description.stages[-1] for member in members)
    classes, methods, stages = ["", *members[0].description.classes], ["", *METHODS], [0, *range(last, 0, -1)]
    layer = state.heatmap_layer(last)
    if new_visit():
        widgets: tuple[tuple[str, str, Sequence[object]], ...] = (
            (state.HEATMAP_CLASS, HEATMAP_CLASS, classes),
            (state.HEATMAP_METHOD, HEATMAP_METHOD, methods),
            (layer, HEATMAP_LAYER, stages),
        )
        for key, name, offered in widgets:
            if option := named_option(name, offered):
                st.session_state[key] = option
    with st.expander("Heatmap settings", icon=":material/tune:"):
        explain = st.selectbox(
            "Class to explain",
            classes,
            format_func=lambda name: name or "the predicted class",
            key=state.HEATMAP_CLASS,
            help="Which regions support this class? By default, the predicted class.",
        )
        method = st.selectbox(
            "Method",
            methods,
            format_func=lambda key: _method_words(key, members),
            key=state.HEATMAP_METHOD,
            help="\n\n".join(f"**{each.title}** {each.about}" for each in METHODS.values()),
        )
        stage = st.selectbox(
            "Layer",
            stages,
            format_func=lambda number: _layer_words(number, last),
            key=layer,
            help="Residual stage that the heatmap comes from. Late layers are coarse and close to the decision, early "
            "ones fine and close to the image. By default the model's own stage; with another method the last one, and "
            "with an average over several stages the last three. Such an average starts at the layer chosen here.",
        )
    return HeatmapOptions(explain or None, method or None, stage or None)


def _method_words(key: str, members: Sequence[Member]) -> str:
    """Return the label of a method; "" stands for each model's own."""
    if key:
        return METHODS[key].title + (" (slow)" if key == "score-cam" else "")
    own = dict.fromkeys(METHODS[member.description.heatmap_method].title for member in members)
    return f"default ({', '.join(own)})"


def _layer_words(number: int, last: int) -> str:
    """Return the label of a layer; 0 stands for each model's own."""
    return layer_name(number) + (" (the last)" if number == last else "") if number else "default"
