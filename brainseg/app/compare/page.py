"""Compare: finished runs side by side, on the images that they share."""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st

from brainseg.app.address import copy_link
from brainseg.app.charts import chart
from brainseg.app.compare.choice import choose, read_chosen
from brainseg.app.compare.panels import runs_panel, settings_panel
from brainseg.app.frame import dark, link, page
from brainseg.app.tasks import view_of
from brainseg.plots.accuracy_cost import COSTS, cost_figure
from brainseg.plots.comparison_curves import LOSSES, comparison_curves
from brainseg.results.comparison import Comparison, check_comparable, compare
from brainseg.results.comparison_table import runs_table
from brainseg.results.comparison_wording import evaluated_on
from brainseg.results.markdown import escape
from brainseg.results.paper import SOURCE, paper_epochs

NOTHING = "Nothing to compare yet: choose runs above, or train a first model."


def draw_comparison(comparison: Comparison) -> None:
    """Draw the comparison from its table down to single images."""
    view, several = view_of(comparison.task), len(comparison.groups) > 1
    runs_panel(comparison)
    settings_panel(comparison)
    view.draw_scores(comparison)
    single = any(evaluated.run.kind == "train" for evaluated in comparison.runs.values())
    if single:  # each fold of a cross-validation has its own curves and costs
        draw_curves(comparison)
    for letter, names in comparison.groups.items():
        if len(names) < 2 and not view.draws_single_runs:
            continue
        if several:
            first = comparison.runs[names[0]]
            st.header(f"Set {letter}", anchor=False, divider="gray")
            st.caption(escape(evaluated_on(first.run, first.report)))
        # Heading levels must not be skipped, and a single set has no heading.
        heading = st.subheader if several else st.header
        view.draw_set(comparison, letter, partial(heading, anchor=False))
    if single:
        draw_costs(comparison)


def draw_curves(comparison: Comparison) -> None:
    """Draw the epochs of all runs; on request, with the paper's curves behind them."""
    st.header("Training by epoch", anchor=False)
    left, right = st.columns(2, vertical_alignment="bottom")
    loss: Literal["valid_loss", "train_loss"] | None = left.segmented_control(
        "Loss to draw",
        ("valid_loss", "train_loss"),
        default="valid_loss",
        format_func=lambda key: LOSSES[key].split(" (")[0],
        key="compare-loss",
        bind="query-params",
    )
    # The paper's curves show accuracy, which segmentations do not have.
    paper = not view_of(comparison.task).masks and right.toggle(
        "Overlay the paper's curves", key="compare-paper", bind="query-params"
    )
    epochs = {name: evaluated.epochs for name, evaluated in comparison.runs.items()}
    figure = comparison_curves(epochs, paper_epochs() if paper else None, loss=loss or "valid_loss", dark=dark())
    chart(figure, "curves-figure", name="compare-epochs")
    if without := [name for name, table in epochs.items() if table is None]:
        st.caption(f"Instant baselines and ensembles have no epochs: {escape(', '.join(without))}.")
    if paper:
        st.caption(SOURCE)


def draw_costs(comparison: Comparison) -> None:
    """Draw the score of the runs against a cost."""
    view = view_of(comparison.task)
    st.header(f"{view.score_title} vs. cost", anchor=False)
    cost = st.selectbox(
        "Cost", list(COSTS), format_func=lambda each: COSTS[each], key="compare-cost", bind="query-params"
    )
    table = runs_table(comparison)
    chart(cost_figure(table, cost, view.score, dark=dark()), "cost-figure", name=f"compare-{cost}")
    st.caption(view.timing())


def draw() -> None:
    """Draw the page."""
    with page("Compare", "Compare finished runs and see where their predictions differ."):
        chosen = choose()
        if chosen:
            copy_link()
        check_comparable(chosen)
        evaluated = read_chosen(chosen)
        if evaluated:
            draw_comparison(compare(evaluated))
        elif not chosen:
            st.info(NOTHING, icon=":material/compare:")
            link("train", "Train a model", icon=":material/model_training:")
