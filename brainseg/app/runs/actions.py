"""The buttons of a run: use, describe, download, stop, resume, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.address import copy_link, set_parameters
from brainseg.app.frame import guarded, link
from brainseg.app.messages import on_page
from brainseg.app.navigation import demo_mode
from brainseg.app.tasks import view_of
from brainseg.app.visitor import later
from brainseg.errors import RunError
from brainseg.jobs.actions import breaks, delete, request_cancel, resubmit
from brainseg.results.exports import bundle_zip, file_stem, predictions_file
from brainseg.results.markdown import escape
from brainseg.results.run_plots import has_plots, plots_zip
from brainseg.runs import ENDED, Run
from brainseg.runs.ensembles import open_ensemble
from brainseg.runs.labels import NAME_LENGTH, NOTE_LENGTH, parse_tags, tag_text
from brainseg.runs.run import default_run
from brainseg.users.policy import Act, may

DEMO = "This is a demo session: you can view and download runs, but not change them."
NO_FILES = "There is nothing to download: the run ended too early."
RIVALS = 2
"""Most runs that a link to Compare adds."""
RESUME_CHECK = "Starts the robustness check again, in the queue."
OFFERED = ":material/verified:"
"""Icon of what concerns the model that Diagnose offers first."""


def show_what_was_done() -> None:
    """Show the result of the last click: the page has been redrawn since."""
    if done := st.session_state.pop(state.RUN_DONE, ""):
        st.success(escape(done), icon=":material/check:")
    for sentence in st.session_state.pop(state.RUN_REFUSED, []):
        st.error(escape(on_page(sentence)), icon=":material/error:")


def draw_actions(run: Run, runs: list[Run]) -> None:
    """Draw the buttons that fit a run; in a demo session only those that change nothing.

    Args:
        run: The run.
        runs: All runs.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if not demo_mode():
            _main_button(run, runs)
        if may(Act.DESCRIBE, owner=run.owner):
            with st.popover("Rename, tag, note", icon=":material/edit:"):
                _describe(run, runs)
        if run.status in ENDED and not run.check and not run.search:
            with st.popover("Download", icon=":material/download:"):
                _download(run)
        if run.status in ENDED and may(Act.DELETE_RUN, owner=run.owner):
            with st.popover("Delete", icon=":material/delete:"):
                _delete(run, runs)
        if run.answers:
            link("diagnose", "Diagnose with it", icon=":material/radiology:", run=run.id)
        if run.has_metrics and (others := rivals(run, runs)):
            ids = ",".join(each.id for each in (run, *others))
            link("compare", f"Compare with {_names(others)}", icon=":material/compare:", runs=ids)
        if run.status in ENDED and not run.check and not run.members and not run.search and may(Act.TRAIN):
            label = "Use these settings" if run.status == "FINISHED" else "Edit and retry"
            link("train", label, icon=":material/edit_note:", **{"from": run.id})
        copy_link()
    if demo_mode():
        st.caption(DEMO)


def rivals(run: Run, runs: list[Run]) -> list[Run]:
    """Return the newest finished runs of the same task to compare a run with; those on the same dataset come first.

    An ensemble is compared with its members.
    """
    if run.members:
        known = {each.id: each for each in runs}
        return [known[member.run] for member in run.members if member.run in known]
    finished = [each for each in runs if each.kind == run.kind and each.status == "FINISHED" and not each.is_part]
    others = [each for each in finished if each.id != run.id and each.config.task == run.config.task]
    return sorted(others, key=lambda each: each.config.data.path != run.config.data.path)[:RIVALS]


def _names(runs: Sequence[Run]) -> str:
    return " and ".join(run.name for run in runs)


@guarded
def _main_button(run: Run, runs: list[Run]) -> None:
    """Draw the one button that fits the state of the run: use, resume or stop."""
    store, offered = live_store.store(), default_run(runs, run.config.task)
    if run.answers:
        if not may(Act.PROMOTE, owner=run.owner):
            return
        in_use = bool(run.promoted) and offered is not None and offered.id == run.id
        label = "In use in Diagnose" if in_use else "Use in Diagnose"
        if st.button(label, key="run-use", icon=OFFERED, disabled=in_use, help="Offer this run's model first there."):
            store.promote(run.id)
            announce(f"Diagnose now offers the model of {run.name} first.")
    elif run.status in ("FAILED", "KILLED") and not run.members:
        if may(Act.RESUME, owner=run.owner) and st.button(
            "Resume",
            key="run-resume",
            icon=":material/resume:",
            help=RESUME_CHECK if run.check else "Continues in the queue, each training from its last epoch.",
        ):
            resubmit(store, run.id)
            announce(f"{run.name} is queued again.")
    elif (
        run.status not in ENDED
        and may(Act.CANCEL, owner=run.owner)
        and st.button("Stop", key="run-stop", icon=":material/stop_circle:", help="It can be resumed later.")
    ):
        request_cancel(store, run.id)
        announce(f"Stopping {run.name}.")


@guarded
def _describe(run: Run, runs: list[Run]) -> None:
    known = {tag_text(*tag) for each in runs for tag in each.tags.items()}
    mine = [tag_text(*tag) for tag in run.tags.items()]
    with st.form(f"describe-{run.id}", border=False):
        name = st.text_input(
            "Name", run.name, max_chars=NAME_LENGTH, help="The bundle keeps the name that the run had during training."
        )
        tags = st.multiselect(
            "Tags",
            sorted(known),
            mine,
            accept_new_options=True,
            placeholder="word or word=value",
            help="Press Enter to add a tag.",
        )
        note = st.text_area("Note", run.note, max_chars=NOTE_LENGTH)
        if st.form_submit_button("Save", type="primary", key="run-save"):
            store, parsed = live_store.store(), parse_tags(tags)
            if name.strip() != run.name:
                store.rename(run.id, name)
            store.tag(run.id, parsed)
            store.write_note(run.id, note)
            announce(f"Saved: {name.strip()}.")


@guarded
def _download(run: Run) -> None:
    """Draw the downloads; each file is made on request."""
    store, stem = live_store.store(), file_stem(run)
    if run.answers:
        _bundle(run, stem)
    if not has_plots(store, run):
        st.info(NO_FILES)
        return
    _file(
        run.id,
        "Plots (zip)",
        lambda: plots_zip(store, run),
        f"figures-{stem}.zip",
        "Web pages that open in any browser.",
        "plots",
    )
    if run.has_metrics:
        what, row = view_of(run.config.task).predictions
        _file(
            run.id,
            f"{what} (CSV)",
            lambda: predictions_file(store, run),
            f"{what.lower()}-{stem}.csv",
            f"One row per {row}.",
            "predictions",
        )
    st.caption("Each file is made on request, which takes a few seconds.")


@guarded
def _bundle(run: Run, stem: str) -> None:
    store = live_store.store()
    if run.members:  # reports a missing bundle before anybody clicks
        open_ensemble(store, run)
    else:
        store.bundle(run)
    _file(
        run.id,
        "Bundle (zip)",
        lambda: bundle_zip(store, run),
        f"bundle-{stem}.zip",
        "The models of its members, with their descriptions." if run.members else "The model, with its description.",
        "bundle",
    )


def _file(run_id: str, label: str, make: Callable[[], bytes], name: str, help_text: str, key: str) -> None:
    st.download_button(
        label,
        later(make, run_id),
        name,
        key=f"download-{key}",
        icon=":material/download:",
        help=help_text,
        on_click="ignore",
    )


@guarded
def _delete(run: Run, runs: list[Run]) -> None:
    what = "all its folds, their models, plots and log" if run.kind == "crossval" else "its model, plots and log"
    if run.search:
        what = "all its trials, their models, plots and logs"
    if run.check:
        what = "its log, while its result stays with the run that it measured"
    if run.members:
        what = "its results, while its members stay"
    st.markdown(f"Deletes **{escape(run.name)}** with {what}. This cannot be undone.")
    if broken := breaks(live_store.store(), run):
        st.warning(escape(broken), icon=":material/warning:")
    offered = default_run(runs, run.config.task)
    if offered is not None and offered.id == run.id:
        heir = default_run([other for other in runs if other.id != run.id], run.config.task)
        after = f"Diagnose will switch to {escape(heir.name)}." if heir else "Diagnose will have no model of this kind."
        st.warning(f"Diagnose offers this model first. {after}", icon=OFFERED)
    typed = st.text_input("Type the run's name to confirm", key=f"delete-{run.id}", autocomplete="off")
    if st.button("Delete for good", type="primary", disabled=typed.strip() != run.name, key=f"delete-now-{run.id}"):
        try:
            delete(live_store.store(), run.id)
        except RunError:
            live_store.refresh()
            raise
        set_parameters(run=None)
        announce(f"{run.name} is deleted.")


def announce(sentence: str, refused: Sequence[str] = ()) -> None:
    """Redraw the page with a message about what was done.

    Args:
        sentence: What was done.
        refused: A sentence for each failure.
    """
    st.session_state[state.RUN_DONE], st.session_state[state.RUN_REFUSED] = sentence, list(refused)
    live_store.refresh()
    st.rerun()
