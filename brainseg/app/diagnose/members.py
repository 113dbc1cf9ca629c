"""The choice of the classifiers on Diagnose: one, a stored ensemble, or several that answer together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import streamlit as st

from brainseg.app import live_store, model_cache, state
from brainseg.app.diagnose.address import clear_missing, named_others, new_visit
from brainseg.diagnosis.outcome_words import NOT_EVALUATED
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.models.description import BundleDescription
from brainseg.models.ensemble import MOST_MEMBERS, Ensemble
from brainseg.results.markdown import escape
from brainseg.results.run_wording import model_words
from brainseg.runs import Run


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
class Classifiers(Sequence[Member]):
    """The chosen classifiers; none, one or several that answer together.

    Attributes:
        models: The models.
        run: The run of the stored ensemble whose members they are; None without one.
        ensemble: What is stored of it.
    """

    models: tuple[Member, ...] = ()
    run: Run | None = None
    ensemble: Ensemble | None = None

    @overload
    def __getitem__(self, place: int) -> Member: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Member, ...]: ...

    def __getitem__(self, place: int | slice) -> Member | tuple[Member, ...]:
        """Return one or several of the models."""
        return self.models[place]

    def __len__(self) -> int:
        """Return the number of models."""
        return len(self.models)

    @property
    def source(self) -> Run | None:
        """The run whose held-out images are offered as samples; None without a classifier."""
        return self.run or (self.models[0].run if self.models else None)

    @property
    def positive(self) -> str | None:
        """The class that stands for a tumour; None if there is none."""
        return self.models[0].description.positive if self.models else None


def choose_members() -> Classifiers:
    """Draw the picker of classifiers; what it returns is empty if there are none yet.

    Raises:
        BundleError: A chosen model's bundle is missing or damaged, or a member of an ensemble was deleted or changed.
    """
    promoted, usable = live_store.promoted("classify"), with_model("classify")
    if promoted is None:
        return Classifiers()
    clear_missing(state.CLASSIFIER, usable)
    chosen = st.selectbox(
        "Model",
        list(usable),
        index=list(usable).index(promoted.id),
        format_func=lambda run_id: run_words(usable[run_id], promoted),
        key=state.CLASSIFIER,
        help="All finished runs and ensembles. First: the promoted one, or else the newest run that beats chance.",
    )
    if usable[chosen].members:
        return _members_of(usable[chosen])
    first = Member.of(usable[chosen])
    if chosen == promoted.id and (reason := reason_for_offer(promoted, usable.values())):
        st.caption(reason)
    others = _choose_others(usable, first)
    members = [first, *others]
    for member in members:
        st.caption(f"**{escape(member.name)}** {escape(evaluation_sentence(member.description.validation))}")
    if others:
        st.caption(NOT_EVALUATED)
    return Classifiers(tuple(members))


def _members_of(run: Run) -> Classifiers:
    opened = model_cache.ensemble(run.id)
    described = opened.ensemble.description
    st.caption(f"**{escape(opened.ensemble.name)}** {escape(evaluation_sentence(described.validation))}")
    members = tuple(Member.of(member) for member in opened.members)
    st.caption(f"Members: {escape(', '.join(member.name for member in members))}")
    return Classifiers(members, run, opened.ensemble)


def with_model(task: str) -> dict[str, Run]:
    """Return the runs of a task that can answer by their ids, newest first; inner runs only help to choose settings."""
    return {run.id: run for run in live_store.runs() if run.offers_answers and run.config.task == task}


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
    part = "trial of a search" if run.trial else "fold of a cross-validation"
    fold = f" · one {part}" if run.is_part else ""
    return f"{run.name} · {model_words(run)}{fold}{mark}"


def _choose_others(usable: dict[str, Run], first: Member) -> list[Member]:
    """Offer the other runs with the same classes."""
    known, wanted = live_store.classes(usable.values()), set(first.description.classes)
    single = {run_id: run for run_id, run in usable.items() if not run.members and run_id != first.run.id}
    fitting = {run_id: run for run_id, run in single.items() if known[run_id] == wanted}
    if not fitting:
        return []
    key = state.ensemble_members(first.run.id)
    if new_visit() and (named := named_others(fitting, MOST_MEMBERS - 1)):
        st.session_state[key] = named
    chosen = st.multiselect(
        "Add models",
        list(fitting),
        format_func=lambda run_id: f"{fitting[run_id].name} · {model_words(fitting[run_id])}",
        key=key,
        max_selections=MOST_MEMBERS - 1,
        placeholder="Choose runs",
        help="Finished runs with the same classes. The answer is the mean of all, with their range and deviation.",
    )
    return [Member.of(fitting[run_id]) for run_id in chosen]
