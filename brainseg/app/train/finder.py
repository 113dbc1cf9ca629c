"""Learning-rate finders on the Train page: their curve, and the button that uses their suggestion."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from brainseg.app.frame import link
from brainseg.app.tasks import fine_tuned
from brainseg.app.train.form import take_rate
from brainseg.app.widgets.run_panels import draw_plot, finder_doubt
from brainseg.config import RunConfig
from brainseg.results.markdown import escape
from brainseg.results.run_wording import model_words, moment
from brainseg.runs import FINAL, Run

SHOWN = 10
"""Most finders to choose from, the newest first."""
IMPORTANT = {
    "model.arch": "network",
    "model.weights": "weights",
    "preparation.size": "size",
    "training.batch_size": "batch size",
    "training.optimiser": "optimiser",
}
"""Settings on which the right learning rate depends most -> words for them."""
FREE = (
    "preset",
    "training.learning_rate",
    "training.epochs",
    "training.frozen_epochs",
    "training.finder_steps",
    "training.patience",
    "training.keep",
    "evaluation.",
    "compute.",
)
"""Settings that a search for a learning rate does not depend on."""


def finders(runs: list[Run], data: str) -> list[Run]:
    """Return the finished learning-rate finders of a dataset, newest first."""
    fitting = (run for run in runs if run.kind == "find-lr" and run.config.data.path == data)
    return [run for run in fitting if run.status == "FINISHED"][:SHOWN]


def differences(run: Run, config: RunConfig) -> list[str]:
    """Return the important settings in which a finder differs from a planned run."""
    found, wanted = run.config.flat(), config.flat()
    return [
        f"{words} {found[name]} (now {wanted[name]})"
        for name, words in IMPORTANT.items()
        if found[name] != wanted[name]
    ]


def reuse_rates(configs: Sequence[RunConfig], runs: list[Run], data: str) -> tuple[list[RunConfig], list[str]]:
    """Set the learning rate found with the same settings in runs that would otherwise search for it again.

    Args:
        configs: The planned runs.
        runs: All runs, newest first.
        data: Path of their dataset.

    Returns:
        The runs, and a sentence for each whose rate is known.
    """
    found, wanted, sentences = finders(runs, data), [], []
    for config in configs:
        searches = fine_tuned(config) and config.training.learning_rate == "valley"
        run = next((each for each in found if _same_search(each.config, config)), None) if searches else None
        if run:
            rate = float(f"{run.metrics[FINAL + 'learning_rate']:.3g}")
            training = config.training.model_copy(update={"learning_rate": rate})
            config = config.model_copy(update={"training": training})
            sentences.append(
                f"{config.model.arch} uses the learning rate {rate:.2e} that {run.name} found with these settings; "
                "there is no second search."
            )
        wanted.append(config)
    return wanted, sentences


def _same_search(one: RunConfig, other: RunConfig) -> bool:
    first, second = one.flat(), other.flat()
    return all(first[name] == value for name, value in second.items() if not name.startswith(FREE))


def draw_finders(found: list[Run], configs: list[RunConfig]) -> None:
    """Draw a finder's curve and the button that uses its suggestion.

    Args:
        found: The finders to choose from.
        configs: The form's configurations, one for each architecture; empty while the form has errors.
    """
    run = found[0]
    if len(found) > 1:
        named = {each.id: each for each in found}
        run = named[st.selectbox("Learning-rate finder", list(named), format_func=lambda each: _label(named[each]))]
    rate = run.metrics[FINAL + "learning_rate"]
    doubtful = finder_doubt(run)
    if doubtful:
        st.warning(doubtful, icon=":material/query_stats:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use {rate:.2e} as learning rate",
            key="train:take-rate",
            on_click=take_rate,
            args=(float(f"{rate:.3g}"),),
            type="secondary" if doubtful else "primary",
            icon=":material/keyboard_tab:",
            help="Writes the suggestion into the form.",
        )
        link("runs", "Open the finder", run=run.id)
    for config in configs:
        if others := differences(run, config):
            st.caption(
                f"For {config.model.arch} this search used different settings: {escape(', '.join(others))}."
                if len(configs) > 1
                else f"This search used different settings: {escape(', '.join(others))}."
            )
    draw_plot(run, "learning_rate", "The curve of this finder is missing.")


def _label(run: Run) -> str:
    return f"{run.name} · {model_words(run)} · {moment(run.created)}"
