"""All plots of a finished run, with the inference pass that they are drawn from."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.speed.ours.quiet import Quiet
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock
from brainseg.models.bundle import load_bundle
from brainseg.results.run_plots import write_run_plots
from brainseg.runs import RunStore
from brainseg.tasks import task_of
from brainseg.training.setup import load_inputs


def side(turns: Turns, run: str, folder: str) -> None:
    """Predict the validation set, evaluate it and draw every plot, a turn; what the drawing takes is also reported."""
    store = RunStore()
    found = store.get(run)
    task, model = task_of(found.config), load_bundle(store.bundle(found)).model
    with tempfile.TemporaryDirectory() as name:
        inputs = load_inputs(task, Quiet(), Path(name))
        for _ in turns:
            with clock() as timing:
                task.evaluate(model, inputs, Path(name), lambda _done, _total: None)
                with clock() as drawing:
                    write_run_plots(store, found, Path(folder))
            shutil.rmtree(folder)
            turns.report(timing, images=len(inputs.evaluated_rows), drawing=drawing.wall)
