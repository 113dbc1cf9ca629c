"""Compare: finished runs side by side, on the images that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from brainseg.app.address import copy_link
from brainseg.app.charts import chart
from brainseg.app.compare.choice import choose, read_chosen
from brainseg.app.compare.images import show_disagreements
from brainseg.app.compare.mask_panels import dice_panel, mask_pairs_panel
from brainseg.app.compare.panels import matrix_panels, pairs_panel, roc_panel, runs_panel, settings_panel
from brainseg.app.compare.slices import show_differing_slices
from brainseg.app.frame import dark, link, page
from brainseg.plots.accuracy_cost import COSTS, cost_figure
from brainseg.plots.comparison_curves import LOSSES, comparison_curves
from brainseg.results.comparison import Comparison, check_comparable, compare
from brainseg.results.comparison_table import runs_table
from brainseg.results.comparison_wording import MASK_TIMES, TIMES, judged_words
from brainseg.results.markdown import escape
from brainseg.results.paper import SOURCE, paper_epochs


def draw_comparison(comparison: Comparison) -> None:
    """Draw the comparison from its table down to single images."""
    masks = comparison.task == "segment"
    runs_panel(comparison)
    settings_panel(comparison)
    if masks:
        dice_panel(comparison)
    draw_curves(comparison)
    for letter, names in comparison.groups.items():
        if masks and len(names) < 2:  # all that there is of one alone stands above
            continue
        if len(comparison.groups) > 1:
            first = comparison.runs[names[0]]
            st.header(f"Set {letter}", anchor=False, divider="gray")
            st.caption(escape(judged_words(first.run, first.report)))
        if masks:
            draw_mask_set(comparison, letter)
        else:
            draw_set(comparison, letter)
    draw_costs(comparison)


def heading_of(comparison: Comparison) -> Callable[..., object]:
    """Return what draws a heading within a set: no level may be left out, and one set alone has no heading."""
    return st.subheader if len(comparison.groups) > 1 else st.header


def draw_set(comparison: Comparison, letter: str) -> None:
    """Draw what classifiers that share their images can be asked."""
    heading, several = heading_of(comparison), len(comparison.groups[letter]) > 1
    if several:
        heading("Is the difference significant?", anchor=False)
        pairs_panel(comparison, letter)
    heading("ROC curves", anchor=False)
    roc_panel(comparison, letter)
    heading("Confusion matrices", anchor=False)
    matrix_panels(comparison, letter)
    if several:
        heading("Where they disagree", anchor=False)
        show_disagreements(comparison, letter)


def draw_mask_set(comparison: Comparison, letter: str) -> None:
    """Draw what two segmentations or more that share their slices can be asked."""
    heading = heading_of(comparison)
    heading("Is the difference significant?", anchor=False)
    mask_pairs_panel(comparison, letter)
    heading("Where their masks differ", anchor=False)
    show_differing_slices(comparison, letter)


def draw_curves(comparison: Comparison) -> None:
    """Draw the epochs of all runs, with the paper's behind them on demand."""
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
    # The paper's curves are of accuracy.
    masks = comparison.task == "segment"
    paper = not masks and right.toggle("Overlay the paper's curves", key="compare-paper", bind="query-params")
    epochs = {name: judged.epochs for name, judged in comparison.runs.items()}
    figure = comparison_curves(epochs, paper_epochs() if paper else None, loss=loss or "valid_loss", dark=dark())
    chart(figure, "curves-figure", name="compare-epochs")
    if without := [name for name, table in epochs.items() if table is None]:
        st.caption(f"An instant baseline has no epochs: {escape(', '.join(without))}.")
    if paper:
        st.caption(SOURCE)


def draw_costs(comparison: Comparison) -> None:
    """Draw the headline score against a cost."""
    masks = comparison.task == "segment"
    st.header("Dice vs. cost" if masks else "Accuracy vs. cost", anchor=False)
    cost = st.selectbox(
        "Cost", list(COSTS), format_func=lambda each: COSTS[each], key="compare-cost", bind="query-params"
    )
    table = runs_table(comparison)
    chart(cost_figure(table, cost, "dice" if masks else "accuracy", dark=dark()), "cost-figure", name=f"compare-{cost}")
    st.caption(MASK_TIMES if masks else TIMES)


def draw() -> None:
    """Draw the page."""
    with page("Compare", "Compare finished runs and see where their predictions differ."):
        chosen = choose()
        if chosen:
            copy_link()
        check_comparable(chosen)
        judged = read_chosen(chosen)
        if judged:
            draw_comparison(compare(judged))
        elif not chosen:
            st.info("Nothing to compare yet: choose runs above, or train a first model.", icon=":material/compare:")
            link("train", "Train a model", icon=":material/model_training:")
