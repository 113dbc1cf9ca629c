"""The buttons that queue runs, with the plan and an estimate of the time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.frame import guarded
from brainseg.app.tasks import fine_tuned, view_of
from brainseg.app.train.crossval import choose_plan, launch_crossval, of_all_folds
from brainseg.app.train.data import count_images
from brainseg.app.train.finder import reuse_rates
from brainseg.app.train.launch import instant_baseline, launch
from brainseg.app.train.plan import plan_words
from brainseg.app.train.queue import in_queue
from brainseg.app.train.search import SearchChoice, choose_search, launch_search
from brainseg.app.widgets.dataset_reading import count_pairs
from brainseg.app.widgets.time_estimate import Estimate, crowding, estimate, machine_load, measured_paces
from brainseg.config import RunConfig
from brainseg.jobs.launcher import chosen, words
from brainseg.results.markdown import escape
from brainseg.results.run_files import readable
from brainseg.results.stored_dataset import stored_report
from brainseg.runs import ENDED, Kind, Run
from brainseg.runs.run import LOCAL
from brainseg.runs.run_plan import Plan

BASELINE = (
    "A linear classifier on the features of the frozen network: a first model, and the score to beat by training."
)
CHOOSE_DATA, FIX_SETTINGS = "Choose a dataset first.", "Fix the settings first."
NO_ESTIMATE = "No time estimate: no {} were found in this dataset."
BUSY = "The machine is busy now: the upper limits allow for this."
UNMEASURED = "unknown: no such run has been measured on this GPU yet"
FINDER = (
    "Not needed before training: with the learning rate 'valley', a training searches for one itself, or uses the "
    "result of a search that you ran here with the same settings. The search tries increasing learning rates for a "
    "short time and plots the loss; it produces no model."
)


@guarded
def draw_actions(data: str, configs: list[RunConfig], runs: list[Run], remark: str = "") -> None:
    """Draw the plan and the buttons, and queue what the visitor asks for.

    Args:
        data: The dataset's path; "" if none is chosen.
        configs: One for each architecture; empty while the form has errors.
        runs: All runs.
        remark: A sentence about the weights; "" for none.
    """
    if not data or not configs:
        st.info(FIX_SETTINGS if data else CHOOSE_DATA, icon=":material/info:")
    ready = bool(data and configs)
    offers = (view_of(config.task).instant_baseline for config in configs)
    no_baseline = next((offer for offer in offers if isinstance(offer, str)), "")
    search = choose_search(configs)
    plan = None if search else choose_plan()
    # A finder looked at images of every fold and of the test set, so its result is not reused where these count.
    wanted, reused = (configs, []) if plan or search else reuse_rates(configs, runs, data)
    if configs:
        st.markdown(plan_words(wanted))
        for sentence in filter(None, [*reused, remark, _launcher_words()]):
            st.caption(escape(sentence))
    clicked = _buttons(len(configs), ready, no_baseline, plan, search)
    name = st.session_state.get(state.RUN_NAME, "")
    if ready:
        _estimates(wanted, data, runs, plan)
    if clicked == "train" and search:
        _report(launch_search(configs, search, name))
    elif clicked == "train":
        _report(launch_crossval(wanted, plan, name) if plan else launch(wanted, name))
    elif clicked == "find":
        _report(launch(configs, kind="find-lr"))
    elif clicked == "instant":
        baselines, name = [instant_baseline(config) for config in configs], name and f"{name}-baseline"
        _report(launch_crossval(baselines, plan, name) if plan else launch(baselines, name))


def _launcher_words() -> str:
    """Return what trains the runs, if that is not the worker of this machine."""
    name = chosen()
    return "" if name == LOCAL else f"Runs are trained by {words(name)}, as BRAINSEG_LAUNCHER says."


def _buttons(count: int, ready: bool, no_baseline: str, plan: Plan | None, search: SearchChoice | None) -> str:
    """Draw the name and the buttons, and return which was clicked; "" for none."""
    st.text_input("Name (optional)", key=state.RUN_NAME, placeholder="e.g. resnet34-default", max_chars=60)
    several = count > 1
    with st.container(horizontal=True):
        clicked = {
            "train": st.button(
                _train_label(count, plan, search),
                type="primary",
                icon=":material/play_arrow:",
                disabled=not ready,
                key="train:train",
            ),
            "find": st.button(
                f"Find {count} learning rates" if several else "Find learning rate",
                icon=":material/search:",
                disabled=not ready,
                key="train:find",
                help=FINDER,
            ),
            "instant": st.button(
                f"{count} instant baselines"
                if several
                else f"Instant baseline, {len(plan.places)} folds"
                if plan
                else "Instant baseline",
                icon=":material/bolt:",
                disabled=not ready or bool(no_baseline),
                key="train:instant",
                help=no_baseline or BASELINE,
            ),
        }
    if no_baseline:
        st.caption(no_baseline)
    return next((name for name, pressed in clicked.items() if pressed), "")


def _train_label(count: int, plan: Plan | None, search: SearchChoice | None) -> str:
    if search:
        return f"Search with {search.trials * count} trials"
    if plan:
        return f"Train {len(plan.places) * count} folds"
    return f"Train {count} networks" if count > 1 else "Train"


def _report(queued: Sequence[Run]) -> None:
    for run in queued:
        st.toast(f"{escape(run.name)} is queued.", icon=":material/schedule:")


def _estimates(configs: list[RunConfig], data: str, runs: list[Run], plan: Plan | None) -> None:
    first = configs[0]
    view = view_of(first.task)
    images = count_pairs(data) if view.masks else count_images(data)
    what = "images with masks" if view.masks else "images"
    if not images:
        st.caption(NO_ESTIMATE.format(what))
        return
    crowd = _crowd(first, runs)
    words = f"Cross-validation ({len(plan.places)} trainings) of" if plan else "Training of"
    wanted: list[tuple[str, RunConfig, Kind]] = [(words, config, "train") for config in configs]
    if fine_tuned(first):
        wanted.append(("Learning-rate finder for", first, "find-lr"))
        if view.instant_baseline is True:
            wanted.append(("Instant baseline for", instant_baseline(first), "train"))
    found = [_expected(config, images, runs, kind, crowd) for _, config, kind in wanted]
    if plan:
        kinds = [kind for _, _, kind in wanted]
        found = [
            of_all_folds(each, plan) if each and kind == "train" else each
            for each, kind in zip(found, kinds, strict=True)
        ]
    lines = [
        f"{words} {config.model.arch}: {each.sentence() if each else UNMEASURED}"
        for (words, config, _), each in zip(wanted, found, strict=True)
    ]
    before = len(in_queue(runs))
    wait = f" ({before} run{'s' * (before > 1)} ahead in the queue)" if before else ""
    busy = f"\n\n{BUSY}" if any(each and each.busy for each in found) else ""
    listed = "".join(f"\n* {line}" for line in lines)
    st.caption(f"**Estimated time for {images:,} {what}{wait}**\n{listed}{busy}")


def _expected(config: RunConfig, images: int, runs: list[Run], kind: Kind, crowd: float) -> Estimate | None:
    paces = measured_paces(config, runs, _images) if fine_tuned(config) else []
    return estimate(config, images, paces, kind, crowd)


def _crowd(config: RunConfig, runs: list[Run]) -> float:
    """Return the factor by which the programs that compute now would slow a run down."""
    load, cores = machine_load()
    running = [run for run in in_queue(runs) if run.status == "RUNNING"]
    return crowding(load, cores, config.compute.threads, sum(run.config.compute.threads or cores for run in running))


def _images(run: Run) -> int | None:
    return _stored_images(run.id, run.status in ENDED)


@st.cache_data(max_entries=1000, show_spinner=False)
def _stored_images(run_id: str, ended: bool) -> int | None:
    """Return how many readable images a run's dataset had, from its stored report."""
    report = readable([], stored_report, live_store.store(), live_store.run(run_id))
    return report["images"] if report else None
