"""The choice of the classifiers on Diagnose (one, or several as an ensemble) and of their heatmap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from brainseg.app import live_store, model_cache, state
from brainseg.app.diagnose.address import (
    HEATMAP_CLASS,
    HEATMAP_LAYER,
    HEATMAP_METHOD,
    clear_missing,
    named_option,
    named_others,
    new_visit,
)
from brainseg.diagnosis.methods import METHODS, layer_name
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.models.description import BundleDescription
from brainseg.results.markdown import escape
from brainseg.results.run_wording import model_words
from brainseg.runs import Run

MOST_MEMBERS = 5
"""Most members of an ensemble: all of them fit into memory, with room for another visitor's model."""
NOT_EVALUATED = "The ensemble as a whole was not evaluated on held-out images."


@dataclass(frozen=True)
class Member:
    """A chosen model: its run, the description in its bundle, and its version."""

    run: Run
    description: BundleDescription
    version: str

    @classmethod
    def of(cls, run: Run) -> Member:
        """Return a finished run's model.

        Raises:
            BundleError: Its bundle is missing or damaged.
        """
        return cls(run, *model_cache.description(run.id))

    @property
    def name(self) -> str:
        """Name and version, as every answer names the model."""
        return f"{self.description.name} ({self.version})"


@dataclass(frozen=True)
class HeatmapOptions:
    """What the heatmap shows: see `diagnosis.ensemble.diagnose_jointly`. None stands for the default."""

    explain: str | None = None
    method: str | None = None
    stage: int | None = None


def choose_members() -> list[Member]:
    """Draw the picker of classifiers; return an empty list if there are none yet.

    Raises:
        BundleError: A chosen model's bundle is missing or damaged.
    """
    promoted, usable = live_store.promoted("classify"), with_model("classify")
    if promoted is None:
        return []
    clear_missing(state.CLASSIFIER, usable)
    chosen = st.selectbox(
        "Model",
        list(usable),
        index=list(usable).index(promoted.id),
        format_func=lambda run_id: run_words(usable[run_id], promoted),
        key=state.CLASSIFIER,
        help="All finished runs. The promoted run comes first, or else the newest that is better than chance.",
    )
    first = Member.of(usable[chosen])
    if chosen == promoted.id and (reason := reason_for_offer(promoted, usable.values())):
        st.caption(reason)
    others = _choose_others(usable, first)
    members = [first, *others]
    for member in members:
        st.caption(f"**{escape(member.name)}** {escape(evaluation_sentence(member.description.validation))}")
    if others:
        st.caption(NOT_EVALUATED)
    return members


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


def with_model(task: str) -> dict[str, Run]:
    """Return the finished runs of a task by their ids, newest first; inner runs only help to choose settings."""
    return {run.id: run for run in live_store.runs() if run.offers_model and run.config.task == task}


def reason_for_offer(offered: Run, runs: Iterable[Run]) -> str:
    """Return why a run is offered first if it is not simply the newest; "" otherwise."""
    if offered.promoted:
        return ""
    if not offered.better_than_chance:
        return "No model here has been shown to be better than chance: this is the newest one."
    ended = offered.ended
    newer = ended is not None and any(run.ended is not None and run.ended > ended for run in runs)
    return "Offered first: the newest model that has been shown to be better than chance." if newer else ""


def run_words(run: Run, promoted: Run) -> str:
    """Return a run's label in a picker."""
    mark = (" · promoted" if run.promoted else " · newest") if run.id == promoted.id else ""
    fold = " · one fold of a cross-validation" if run.parent else ""
    return f"{run.name} · {model_words(run)}{fold}{mark}"


def _choose_others(usable: dict[str, Run], first: Member) -> list[Member]:
    """Offer the other runs with the same classes."""
    known, wanted = live_store.classes(usable.values()), set(first.description.classes)
    fitting = {run_id: run for run_id, run in usable.items() if run_id != first.run.id and known[run_id] == wanted}
    if not fitting:
        return []
    key = state.ensemble_members(first.run.id)
    if new_visit() and (named := named_others(fitting, MOST_MEMBERS - 1)):
        st.session_state[key] = named
    chosen = st.multiselect(
        "Add models (ensemble)",
        list(fitting),
        format_func=lambda run_id: f"{fitting[run_id].name} · {model_words(fitting[run_id])}",
        key=key,
        max_selections=MOST_MEMBERS - 1,
        placeholder="Choose runs",
        help="Finished runs with the same classes. The answer is the mean of all, with their range and deviation.",
    )
    return [Member.of(fitting[run_id]) for run_id in chosen]
