"""Runs: one training after the other, as it goes and what became of it."""

from __future__ import annotations

from brainseg.dashboard import live_store
from brainseg.dashboard.page import page
from brainseg.dashboard.runs.actions import say_what_was_done
from brainseg.dashboard.runs.view import choose_run, draw_run, no_runs

with page("Runs", "Look at a training while it runs and at what became of it: curves, figures of merit and mistakes."):
    say_what_was_done()
    runs = live_store.runs()
    if runs:
        draw_run(choose_run(runs), runs)
    else:
        no_runs()
