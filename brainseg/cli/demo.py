"""`demo`: the dashboard, with a training and a diagnosis on synthetic slices; nothing is downloaded."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import DISCLAIMER, paths
from brainseg.cli.dashboard import PortOption, announce, treat_sigterm_as_ctrl_c, wait_for_ctrl_c
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
"""The sequences in which a tumour is easiest to see."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    port: PortOption = 8501,
    dashboard: Annotated[bool, typer.Option(help="Serve the dashboard from the start until Ctrl-C.")] = True,
) -> None:
    """Open the dashboard, train a ResNet34 on synthetic slices while you watch, and diagnose a held-out slice.

    A small U-Net that marks the tumours waits behind it in the queue.
    """
    from brainseg.jobs.workers import ensure_worker, worker_lives
    from brainseg.phantom import phantom_name
    from brainseg.runs import RunStore

    store = RunStore()
    data = paths.subfolder("datasets") / phantom_name("demo")
    if worker_lives("auto"):
        _draw(data)  # a worker would start the run before its images exist
    with ExitStack() as stack:
        server = None
        run = _queued(store, demo_config(data), NAME)
        masks = _queued(store, mask_config(data), MASK_NAME)
        if dashboard:
            from brainseg.cli.server import Server

            treat_sigterm_as_ctrl_c()
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
            ANSWERS.print(f"Look at a whole synthetic scan: {server.url}/diagnose?view=Volume", soft_wrap=True)
            if store.get(masks.id).status in ("SCHEDULED", "RUNNING"):
                ANSWERS.print(
                    "A U-Net is training now: in a few minutes Diagnose will also mark the tumour.", soft_wrap=True
                )
            wait_for_ctrl_c(server)


def demo_config(data: Path) -> RunConfig:
    """Return the demo's run: a ResNet34 from random weights, which needs no download."""
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


def _queued(store: RunStore, config: RunConfig, name: str) -> Run:
    """Return a run of the demo: an earlier one that did not fail, or a new one in the queue.

    It waits in the queue while its images are drawn: the dashboard shows it from the start.
    """
    known = [run for run in store.list(["SCHEDULED", "RUNNING", "FINISHED"]) if run.config == config]
    earlier = [run for run in known if run.name == name and store.owns(run)]
    return earlier[0] if earlier else store.create(config, name)


def _draw(data: Path) -> None:
    from brainseg.phantom import write_phantom

    bar, progress = counter("Drawing synthetic slices")
    with bar:
        write_phantom(data, SLICES, SEED, size=SIZE, modalities=MODALITIES, difficulty="clear", progress=progress)


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
    """Promote this model unless a person promoted another: Diagnose must not offer a visitor's quick try instead."""
    from brainseg.runs.run import default_run

    offered = default_run(store.list(), run.config.task)
    if offered and not offered.promoted:
        store.promote(run.id)


def _report(store: RunStore, run: Run, data: Path) -> None:
    """Draw the plots, diagnose one slice, and print where the files are."""
    from brainseg.diagnosis.pointing import pointing_sentence
    from brainseg.results.run_details import run_details
    from brainseg.results.run_plots import write_run_plots

    folder = paths.subfolder("demo")
    plots = write_run_plots(store, run, folder)
    sheet = _diagnose(store, run, data, folder / "diagnosis.png")
    details = run_details(store, run)
    if details["evaluation"]:
        print_report(run.config.task, details["evaluation"])
    ANSWERS.print(pointing_sentence(details["heatmaps"]), markup=False, soft_wrap=True)
    ANSWERS.print(f"Plots in {folder}:", markup=False, soft_wrap=True)
    for file in [*plots, sheet]:
        ANSWERS.print(f"  {file.name}", markup=False)
    ANSWERS.print(
        f"Images made to be easy, and random starting weights: this is a demonstration, not a result. {DISCLAIMER}",
        soft_wrap=True,
    )


def _diagnose(store: RunStore, run: Run, data: Path, file: Path) -> Path:
    """Diagnose the first held-out slice with a tumour, draw the sheet and return its file."""
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
    answer = f"{scan.name}: {diagnosis.origin} {diagnosis.sentence} It took {diagnosis.seconds:.2f} s."
    NOTES.print(answer, markup=False, soft_wrap=True)
    return file
