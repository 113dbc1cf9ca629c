"""`demo`: the whole chain on the phantom, with nothing to download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import typer

from brainseg import DISCLAIMER, paths
from brainseg.cli.output import ANSWERS, NOTES, TrainingView, counter
from brainseg.cli.training import print_report
from brainseg.config import RunConfig
from brainseg.errors import RunError

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore

NAME = "demo"
SLICES = 480
SEED = 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo() -> None:
    """Make phantom slices, train a ResNet34 on them, evaluate it and diagnose a held-out slice."""
    from brainseg.jobs.reading import run_details
    from brainseg.runs import RunStore

    data = _phantom()
    store = RunStore()
    run = _finished(store, demo_config(data)) or _train(store, demo_config(data))
    folder = paths.subfolder("demo")
    from brainseg.dashboard.run_figures import write_run_figures

    figures = write_run_figures(store, run, folder)
    sheet = _diagnose(store, run, data, folder / "diagnosis.png")
    print_report(run_details(store, run)["evaluation"])
    ANSWERS.print(f"Figures in {folder}:", markup=False, soft_wrap=True)
    for file in [*figures, sheet]:
        ANSWERS.print(f"  {file.name}", markup=False)
    ANSWERS.print(
        f"Synthetic images, random starting weights: a demonstration, no result. {DISCLAIMER}", soft_wrap=True
    )


def demo_config(data: Path) -> RunConfig:
    """Return the demo's run: a ResNet34 from random weights, so that nothing need be downloaded."""
    settings = {"data.path": str(data), "model.arch": "resnet34", "model.weights": "none"}
    return RunConfig.from_preset("demo", settings)


def _phantom() -> Path:
    from brainseg.datasets.phantom import write_phantom

    folder = paths.subfolder("datasets") / "phantom-demo"
    bar, tell = counter("Drawing synthetic slices")
    with bar:
        write_phantom(folder, SLICES, SEED, progress=tell)
    return folder


def _finished(store: RunStore, config: RunConfig) -> Run | None:
    return next((run for run in store.list(["FINISHED"]) if run.name == NAME and run.config == config), None)


def _train(store: RunStore, config: RunConfig) -> Run:
    from brainseg.jobs.queue import create_claimed
    from brainseg.jobs.supervisor import supervise

    with TrainingView() as view:
        run = supervise(store, create_claimed(store, config, NAME), view)
    if run.status != "FINISHED":
        raise RunError(f"The demo's training is {run.status}: {run.reason}")
    return run


def _diagnose(store: RunStore, run: Run, data: Path, file: Path) -> Path:
    """Diagnose the first held-out slice with a tumour, and draw the sheet."""
    from brainseg.diagnosis.picture import diagnosis_sheet, save_png
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.scans import read_scan

    predictor = Predictor.open(store.bundle(run))
    split = pd.read_csv(store.path(run.id, "split.csv"), keep_default_na=False)
    held_out = split[(split["split"] == "valid") & (split["label"] == predictor.description.positive)]
    scan = read_scan(data / held_out["path"].iloc[0])
    diagnosis = predictor.diagnose(scan)
    save_png(diagnosis_sheet(scan.pixels, scan.name, diagnosis), file)
    NOTES.print(f"{scan.name}: {diagnosis.sentence} It took {diagnosis.seconds:.2f} s.", markup=False, soft_wrap=True)
    return file
