"""`demo`: the dashboard, and in it the whole chain on the phantom, with nothing to download."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import DISCLAIMER, paths
from brainseg.cli.dashboard import PortOption, announce, end_as_by_ctrl_c, stay
from brainseg.cli.output import ANSWERS, NOTES, TrainingView, counter
from brainseg.cli.report import print_report
from brainseg.config import RunConfig
from brainseg.errors import BrainsegError, RunError

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore

NAME, MASK_NAME = "demo", "demo-mask"
SLICES = 640
SIZE = 192
SEED = 0
MODALITIES = ("T1ce", "FLAIR")
"""The contrasts in which a tumour stands out."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    port: PortOption = 8501,
    dashboard: Annotated[bool, typer.Option(help="Serve the dashboard, from the start and until Ctrl-C.")] = True,
) -> None:
    """Open the dashboard, train a ResNet34 on synthetic slices before your eyes, and diagnose a held-out one.

    A small U-Net that marks the tumours waits behind it in the queue.
    """
    from brainseg.jobs.workers import ensure_worker, worker_lives
    from brainseg.phantom import phantom_name
    from brainseg.runs import RunStore

    store = RunStore()
    data = paths.subfolder("datasets") / phantom_name("demo")
    if worker_lives("auto"):
        _draw(data)  # it would take the run before its images are there
    with ExitStack() as stack:
        server = None
        run = _put_in(store, demo_config(data), NAME)
        marks = _put_in(store, mask_config(data), MASK_NAME)
        if dashboard:
            from brainseg.cli.server import Server

            end_as_by_ctrl_c()
            server = stack.enter_context(Server(port))
            announce(server)
        _draw(data)
        ensure_worker(run.config.compute.device)
        try:
            run = _watch(store, run)
            _offer(store, run)
            _report(store, run, data)
        except BrainsegError as error:
            if not server:
                raise
            NOTES.print(str(error), markup=False, soft_wrap=True)
        if server:
            ANSWERS.print(f"Drop an image onto Diagnose: {server.url}/diagnose", soft_wrap=True)
            if store.get(marks.id).status in ("SCHEDULED", "RUNNING"):
                ANSWERS.print("A U-Net trains now: in some minutes Diagnose also marks the tumour.", soft_wrap=True)
            stay(server)


def demo_config(data: Path) -> RunConfig:
    """Return the demo's run: a ResNet34 from random weights, so that nothing need be downloaded."""
    settings = {"data.path": str(data), "model.arch": "resnet34", "model.weights": "none"}
    return RunConfig.from_preset("demo", settings)


def mask_config(data: Path) -> RunConfig:
    """Return the demo's second run: a small U-Net from random weights, on the same slices and the same split."""
    settings = {
        "data.path": str(data),
        "preparation.size": 64,
        "model.arch": "resnet18",
        "model.stages": [2],
        "model.weights": "none",
        "training.epochs": 16,
        "training.frozen_epochs": 0,
        "training.learning_rate": 0.004,
    }
    return RunConfig.from_preset("segment", settings)


def _put_in(store: RunStore, config: RunConfig, name: str) -> Run:
    """Return a run of the demo: an earlier one that has not failed, or else a new one in the queue.

    It waits there while its images are drawn, so that the dashboard shows it from the first moment.
    """
    known = [run for run in store.list(["SCHEDULED", "RUNNING", "FINISHED"]) if run.config == config]
    mine = [run for run in known if run.name == name and store.owns(run)]
    return mine[0] if mine else store.create(config, name)


def _draw(data: Path) -> None:
    from brainseg.phantom import write_phantom

    bar, tell = counter("Drawing synthetic slices")
    with bar:
        write_phantom(data, SLICES, SEED, size=SIZE, modalities=MODALITIES, difficulty="clear", progress=tell)


def _watch(store: RunStore, run: Run) -> Run:
    """Show a queued run until it ends."""
    from brainseg.jobs.workspace import Workspace
    from brainseg.runs import ENDED

    with TrainingView() as view:
        while run.status not in ENDED:
            view(Workspace(run.id))
            time.sleep(0.3)
            run = store.get(run.id)
    if run.status != "FINISHED":
        raise RunError(f"The demo's training is {run.status}: {run.reason}")
    return run


def _offer(store: RunStore, run: Run) -> None:
    """Let Diagnose offer this model until somebody promotes another, not a visitor's quick try because it is newer."""
    from brainseg.runs.run import default_run

    offered = default_run(store.list(), run.config.task)
    if offered and not offered.promoted:
        store.promote(run.id)


def _report(store: RunStore, run: Run, data: Path) -> None:
    """Draw the figures, diagnose one slice and say where all is."""
    from brainseg.diagnosis.pointing import pointing_sentence
    from brainseg.results.run_details import run_details
    from brainseg.results.run_plots import write_run_plots

    folder = paths.subfolder("demo")
    figures = write_run_plots(store, run, folder)
    sheet = _diagnose(store, run, data, folder / "diagnosis.png")
    details = run_details(store, run)
    print_report(run.config.task, details["evaluation"])
    ANSWERS.print(pointing_sentence(details["heatmaps"]), markup=False, soft_wrap=True)
    ANSWERS.print(f"Figures in {folder}:", markup=False, soft_wrap=True)
    for file in [*figures, sheet]:
        ANSWERS.print(f"  {file.name}", markup=False)
    ANSWERS.print(
        f"Synthetic images made to be easy, random starting weights: a demonstration, no result. {DISCLAIMER}",
        soft_wrap=True,
    )


def _diagnose(store: RunStore, run: Run, data: Path, file: Path) -> Path:
    """Diagnose the first held-out slice with a tumour, and draw the sheet."""
    from brainseg.diagnosis.images import diagnosis_sheet, save_png
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.results.stored_results import split as stored_split
    from brainseg.scans import read_scan

    predictor = Predictor.open(store.bundle(run))
    split = stored_split(store, run)
    if split is None:
        raise RunError(f"The split of run {run.name!r} is missing: run the demo again.")
    held_out = split[(split["split"] == "valid") & (split["label"] == predictor.description.positive)]
    scan = read_scan(data / held_out["path"].iloc[0])
    diagnosis = predictor.diagnose(scan)
    save_png(diagnosis_sheet(scan.pixels, scan.name, diagnosis), file)
    said = f"{scan.name}: {diagnosis.origin} {diagnosis.sentence} It took {diagnosis.seconds:.2f} s."
    NOTES.print(said, markup=False, soft_wrap=True)
    return file
