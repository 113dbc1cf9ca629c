"""The comparison of classifiers: paired tests, ROC curves, confusion matrices and disagreements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import streamlit as st

from brainseg.app.charts import chart
from brainseg.app.classification.disagreements import show_disagreements
from brainseg.app.frame import dark
from brainseg.app.widgets.pair_table import draw_pairs
from brainseg.evaluation.classification import roc_curve
from brainseg.evaluation.matrix_difference import matrix_difference
from brainseg.plots import confusion_matrix_figure, roc_figure
from brainseg.plots.confusion_difference import difference_figure
from brainseg.plots.theme import readable, series_style
from brainseg.results.classification.comparison import aligned_images, independence, paired_tests, verdicts
from brainseg.results.classification.tables import pairs_shown
from brainseg.results.comparison import Comparison
from brainseg.results.markdown import escape

ACROSS = 3
"""Confusion matrices side by side."""

TESTED = (
    "Each pair of runs is tested on the same images with McNemar's exact test; “separated” means p below 0.05 after "
    "Holm's adjustment for the number of pairs. “Not separated” does not mean equally good: this sample is too small "
    "to tell. Each difference has its own 95 % interval, for paired proportions (Bonett and Price, 2012). Smallest "
    "difference: what this many images show with a probability of 80 %. Images needed: the number that "
    "would show the difference that was found (Connor, 1987)."
)
INTERVALS = (
    "In brackets: Wilson 95 % intervals. Do not rank runs whose intervals overlap by their accuracy: use the paired "
    "test below."
)
POOLED_INTERVALS = (
    "In brackets: 95 % intervals of the pooled predictions: Wilson's where images are independent, otherwise by "
    "bootstrap over patients with their copies. Do not rank cross-validations whose intervals overlap: use the paired "
    "test below."
)


def draw_set(comparison: Comparison, letter: str, heading: Callable[[str], object]) -> None:
    """Draw the comparison of classifiers that were evaluated on the same images."""
    several = len(comparison.groups[letter]) > 1
    if several:
        heading("Is the difference significant?")
        _draw_tests(comparison, letter)
    heading("ROC curves")
    _draw_roc(comparison, letter)
    heading("Confusion matrices")
    _draw_matrices(comparison, letter)
    if several:
        _draw_difference(comparison, letter)
        heading("Where they disagree")
        show_disagreements(comparison, letter)


def interval_words(comparison: Comparison) -> str:
    """Return which class the metrics refer to, and what their intervals mean, as Markdown."""
    positive = {evaluated.report["positive"] for evaluated in comparison.runs.values()} - {None}
    about = f"Sensitivity and AUC refer to the class “{'” or “'.join(sorted(positive))}”." if positive else ""
    pooled = any(evaluated.run.kind == "crossval" for evaluated in comparison.runs.values())
    return f"{escape(about)} {POOLED_INTERVALS if pooled else INTERVALS}"


def _draw_tests(comparison: Comparison, letter: str) -> None:
    """Draw the paired tests of one group."""
    pairs = paired_tests(comparison, letter)
    for sentence in verdicts(comparison, pairs):
        st.markdown(f"- {sentence}")
    draw_pairs(pairs_shown(pairs), letter)
    st.caption(f"{TESTED} {independence(pairs)}")


def _draw_roc(comparison: Comparison, letter: str) -> None:
    """Draw the ROC curves of one group; with more than two classes those of a chosen class."""
    names = comparison.groups[letter]
    report = comparison.runs[names[0]].report
    wanted = report["positive"] or st.selectbox("Class", report["classes"], key=f"roc-class-{letter}")
    curves, areas = {}, {}
    for name in names:
        evaluated = comparison.runs[name]
        curves[name] = roc_curve(evaluated.predictions, evaluated.report["classes"], wanted)
        areas[name] = evaluated.report["per_class"][wanted]["roc_auc"]
    figure = roc_figure(curves, areas, dark=dark())
    for trace, name in zip(figure.data, names, strict=False):
        trace.line.update(series_style(comparison.position(name), dark()))
    figure.update_layout(height=480, title_text=f"ROC curves of the class “{readable(wanted, 40, 1)}”")
    chart(figure, f"roc-{letter}", name=f"compare-roc-{letter}")


def _draw_difference(comparison: Comparison, letter: str) -> None:
    """Draw how the confusion matrices of two runs differ; with more than two runs, of a chosen pair."""
    names = comparison.groups[letter]
    pair = (names[0], names[1])
    if len(names) > 2:
        pairs = list(combinations(names, 2))
        pair = st.selectbox(
            "Difference of", pairs, format_func=lambda each: f"{each[0]} minus {each[1]}", key=f"difference-of-{letter}"
        )
    classes = comparison.runs[names[0]].report["classes"]
    found = matrix_difference(aligned_images(comparison, letter), *pair, classes)
    figure = difference_figure(found, classes, pair, dark=dark())
    chart(figure, f"difference-{letter}", name=f"compare-difference-{letter}")


def _draw_matrices(comparison: Comparison, letter: str) -> None:
    """Draw the confusion matrices of one group side by side."""
    names = comparison.groups[letter]
    for start in range(0, len(names), ACROSS):
        columns = st.columns(ACROSS)
        for column, name in zip(columns, names[start : start + ACROSS], strict=False):
            report = comparison.runs[name].report
            figure = confusion_matrix_figure(report["matrix"], report["classes"], dark=dark())
            right = sum(row[place] for place, row in enumerate(report["matrix"]))
            figure.update_layout(
                title={"text": readable(name, 30, 1), "subtitle": {"text": f"{right} of {report['count']} correct"}}
            )
            with column:
                chart(figure, f"matrix-{comparison.runs[name].run.id}", name=f"compare-matrix-{name}")
