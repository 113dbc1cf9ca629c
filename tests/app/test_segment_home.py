"""Home with segmentation runs beside classifiers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainseg.jobs.queue import create_claimed
from brainseg.jobs.workspace import Workspace
from brainseg.results.best_models import best_models
from brainseg.results.stored_results import evaluation
from brainseg.runs import RunStore
from tests.app.run_pages import charts, texts


def test_the_best_of_either_task_is_shown(segment_home: Path, open_page) -> None:
    app = open_page("home")
    assert not app.error
    store = RunStore()
    found = best_models(store.list(), lambda run: evaluation(store, run))
    assert [(best.run.name, best.rivals, best.beaten) for best in found] == [("tuned", (), 0), ("marks", (), 0)]
    assert all(sentence in texts(app) for best in found for sentence in best.sentences())
    assert f" {store.get('marks').metrics['final_dice']:.2f} " in found[1].sentences()[0]


def test_the_lower_end_of_the_interval_of_dice_ranks(segment_home: Path, mask_config) -> None:
    store = RunStore()
    marks = store.get("marks")
    others = {"narrow": (0.6, 0.55, 0.65), "wide": (0.7, 0.3, 0.9), "poor": (0.2, 0.1, 0.3)}
    for name, values in others.items():
        run = store.create(marks.config, name, "RUNNING")
        store.log_metrics(run.id, dict(zip(("final_dice", "final_dice_low", "final_dice_high"), values, strict=True)))
        store.set_status(run.id, "FINISHED")
    runs = [run for run in store.list() if run.name in others]
    (best,) = best_models(runs, lambda run: {"dice": run.metrics["final_dice"], "slices": 9})
    assert best.run.name == "narrow"
    assert [run.name for run in best.rivals] == ["wide"]
    assert best.beaten == 1
    assert " 3 segmentation models" in best.sentences()[1]


def test_a_running_segmentation_shows_its_curve(segment_home: Path, open_page) -> None:
    store = RunStore()
    marks = store.get("marks")
    epochs = pd.read_csv(store.path(marks.id, "epochs.csv"))
    run = create_claimed(store, marks.config, "under-way")
    results = Workspace(run.id).results
    results.mkdir(parents=True, exist_ok=True)
    epochs.to_csv(results / "epochs.csv", index=False)
    store.set_status(run.id, "RUNNING")
    app = open_page("home")
    assert not app.error
    assert charts(app) == 1
    assert f"Dice {epochs['dice'].iloc[-1]:.3f}" in texts(app)
    app = open_page("runs", run=run.id)
    assert not app.error
    assert charts(app) == 1
