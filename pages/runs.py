"""Runs: all of them as a table, or one of them, as it goes and what became of it."""

from __future__ import annotations

from brainseg.dashboard import live_store
from brainseg.dashboard.page import page
from brainseg.dashboard.runs.actions import say_what_was_done
from brainseg.dashboard.runs.overview import draw_overview
from brainseg.dashboard.runs.view import choose_run, draw_run, no_runs

with page("Runs", "Follow a run live, then review its curves, metrics and errors."):
    say_what_was_done()
    runs = live_store.runs()
    if run := choose_run(runs):
        draw_run(run, runs)
    elif runs:
        draw_overview(runs)
    else:
        no_runs()
