"""The results of a study: hidden while somebody reads, then numbers with what they stand on, cases and exports."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from brainseg import DISCLAIMER
from brainseg.app.charts import chart
from brainseg.app.frame import dark
from brainseg.app.read.revealing import draw_given, draw_true_image
from brainseg.app.visitor import later
from brainseg.plots.reader_study import conditions_figure
from brainseg.reading.ending import check_study_log, end_study, results_seen, study_state
from brainseg.reading.events import Event, Exported, ResultsShown
from brainseg.reading.exports import answers_csv, export_name, log_bytes
from brainseg.reading.results import Measured, StudyResults, study_results
from brainseg.reading.study import Study
from brainseg.reading.words import (
    HOW,
    MEAN_AREA,
    POOLED,
    basis_sentences,
    box_sentences,
    change_sentences,
    count_sentence,
    difference_rows,
    estimate_words,
    kappa_sentence,
    model_sentences,
    proportion_words,
    time_sentence,
    who,
)
from brainseg.results.markdown import escape
from brainseg.users.policy import Act, may

NOBODY = "Nobody has read this study yet, so there are no results."
HIDDEN = (
    "Still reading: {names}. Results stay hidden until all who began have finished, since they contain the truth and "
    "the model's answers."
)
END = "End the study now"
ENDING = (
    "Nobody can answer any more, and this cannot be undone. Cases that are done count, and the log keeps who had not "
    "finished."
)
CHAIN = (
    "The log has {lines} lines, and its chain is whole. Hash of the last line: `{head}`. Note it: `brainseg read "
    "verify {study} --hash …` shows later that nothing before it was changed."
)


def draw_results(study: Study, sitting: str) -> None:
    """Draw the results, or why they are hidden."""
    found = study_state(study)
    if not found.over:
        if not found.readers:
            st.info(NOBODY, icon=":material/info:")
            return
        names = ", ".join(escape(reader.name) for reader in found.unfinished)
        st.info(HIDDEN.format(names=names), icon=":material/visibility_off:")
        if may(Act.END_STUDY):
            _draw_ending(study)
        return
    results = _results(study.id, _answers(results_seen(study, sitting, "page")), study)
    basis = "\n".join(f"- {escape(sentence)}" for sentence in basis_sentences(results))
    st.warning(basis, icon=":material/warning:")
    offered = {who(each): each for each in (*((results.pooled,) if results.pooled else ()), *results.single)}
    if not offered:
        st.info("No case was done, so there is nothing to measure.", icon=":material/info:")
        return
    chosen = st.segmented_control("Reader", list(offered), default=next(iter(offered)), required=True)
    measured = offered[chosen or next(iter(offered))]
    _draw_measured(results, measured)
    if len(measured.readers) == 1:
        _draw_cases(results, measured.readers[0])
    _draw_exports(study)


def _answers(events: list[Event]) -> int:
    """Return the number of events that results follow from: a look at them or an export changes nothing."""
    return sum(not isinstance(event, ResultsShown | Exported) for event in events)


@st.cache_resource(max_entries=20, show_spinner="Computing intervals …")
def _results(study_id: str, answers: int, _study: Study) -> StudyResults:
    """Cached: a study that is over changes only when somebody else reads it. All visitors share the result."""
    return study_results(_study)


def _draw_ending(study: Study) -> None:
    with st.popover(END, icon=":material/stop_circle:"):
        st.markdown(ENDING)
        if st.button("End it", type="primary", key="reading-end"):
            end_study(study, "page")
            st.rerun()


def _draw_measured(results: StudyResults, measured: Measured) -> None:
    """Draw the numbers of one reader, or of all together."""
    study, pooled = results.study, len(measured.readers) > 1
    st.markdown(f"**{escape(count_sentence(measured, study))}**")
    rows = [
        {
            "Who answered": name,
            "Agreement with the truth": proportion_words(each.agreement),
            **({"Sensitivity": proportion_words(each.sensitivity)} if each.sensitivity else {}),
            **({"Specificity": proportion_words(each.specificity)} if each.specificity else {}),
            **({"AUC": estimate_words(each.area)} if each.area else {}),
        }
        for name, each in measured.conditions.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key="reading-conditions", alt="Agreement")
    if pooled:
        st.caption(f"{POOLED} {MEAN_AREA}")
    if measured.changes:
        st.header("What the model changed", anchor=False)
        _lines([*change_sentences(measured.changes), *model_sentences(measured)])
    left, right = st.columns(2, gap="medium") if study.positive and not pooled else (st.container(), st.container())
    with left:
        if study.positive and not pooled:
            _draw_curves(results, measured)
    with right:
        _draw_rest(measured)
    if rows := difference_rows(measured):
        st.header("All differences", anchor=False)
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            height="content",
            key="reading-tests",
            alt="All differences",
        )
    st.caption(HOW)


def _draw_rest(measured: Measured) -> None:
    """Draw agreement beyond chance, boxes and times."""
    st.header("Agreement, boxes and time", anchor=False)
    _lines(map(kappa_sentence, measured.kappas))
    if measured.boxes:
        _lines(box_sentences(measured.boxes))
    _lines([time_sentence(measured.times)])


def _draw_curves(results: StudyResults, measured: Measured) -> None:
    curves = results.curves(measured.readers[0])
    areas = {name: each.area.value for name, each in measured.conditions.items() if each.area}
    points = {
        name: (1 - each.specificity.hits / each.specificity.count, each.sensitivity.hits / each.sensitivity.count)
        for name, each in measured.conditions.items()
        if each.sensitivity and each.specificity and each.sensitivity.count and each.specificity.count
    }
    if set(curves) == set(areas) == set(points):
        figure = conditions_figure(curves, areas, points, measured.readers[0], dark=dark())
        chart(figure, "reading-roc", name=f"reader-study-{results.study.id[:8]}-roc")


def _draw_cases(results: StudyResults, reader: str) -> None:
    """Draw one case at a time with its truth, and what was said about it."""
    own = results.state.reader(reader)
    done = own.done(results.study) if own else []
    if not own or not done:
        return
    st.header("Cases", anchor=False)
    place = st.pagination(len(done), key=f"reading-cases-{reader}") if len(done) > 1 else 1
    case = done[place - 1]
    left, right = st.columns([2, 3], gap="medium")
    with left:
        draw_true_image(results.study, case)
    with right:
        st.markdown(f"Case {place} of {len(done)}. Truth: **{escape(results.study.case(case).truth)}**")
        draw_given(results.study, case, own.record(case))


def _draw_exports(study: Study) -> None:
    check = check_study_log(study)
    with st.container(horizontal=True):
        st.download_button(
            "Answers (CSV)",
            later(lambda: answers_csv(study, "page")),
            export_name(study, "answers"),
            "text/csv",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )
        st.download_button(
            "Log (JSON lines)",
            later(lambda: log_bytes(study, "page")),
            export_name(study, "log"),
            "application/jsonl",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )
    st.caption(CHAIN.format(lines=check.lines, head=check.head, study=study.id[:8]))
    st.caption(f"Exports name cases by the hash of their image, and contain no file names. {DISCLAIMER}")


def _lines(sentences: Iterable[str]) -> None:
    st.markdown("\n".join(f"- {escape(sentence)}" for sentence in sentences))
