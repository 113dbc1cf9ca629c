"""Runs: all of them as a table, or one of them, live or with its results."""

from __future__ import annotations

from brainseg.app import live_store
from brainseg.app.frame import page
from brainseg.app.runs.actions import show_what_was_done
from brainseg.app.runs.overview import draw_overview, draw_unreadable
from brainseg.app.runs.view import choose_run, draw_run, no_runs


def draw() -> None:
    """Draw the page."""
    with page("Runs", "Follow a run live, then review its curves, metrics and errors."):
        show_what_was_done()
        runs = live_store.runs()
        if run := choose_run(runs):
            draw_run(run, runs)
        elif runs:
            draw_overview(runs)
        else:
            no_runs()
        if not run:
            draw_unreadable()
