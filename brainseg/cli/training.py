"""`train`, `submit`, `resume` and `lr-find`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import paths
from brainseg.cli.crossval import print_queued
from brainseg.cli.options import JsonOption, LauncherOption, RunOptions, run_options
from brainseg.cli.output import ANSWERS, NOTES, TrainingView, end_lines, print_json, print_run
from brainseg.cli.outputs import new_folder
from brainseg.cli.report import print_report
from brainseg.cli.search_output import print_queued_search
from brainseg.jobs.submission import run_name

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore
    from brainseg.training.log import EpochMetrics, Progress

FAILED_RUN = 2


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(train)
    app.command()(submit)
    app.command()(resume)
    app.command(name="lr-find")(lr_find)


@run_options()
def train(options: RunOptions, as_json: JsonOption = False) -> None:
    """Train a model here and now, and evaluate it."""
    config = options.config()
    from brainseg.jobs.queue import create_claimed
    from brainseg.runs import RunStore

    store = RunStore()
    _watch(store, create_claimed(store, config, run_name(options.name, config)), as_json)


@run_options()
def submit(options: RunOptions, launcher: LauncherOption = None, as_json: JsonOption = False) -> None:
    """Put a training into the queue; a worker, a Ray cluster or a command of yours takes it from there."""
    config = options.config()
    from brainseg.jobs.queue import submit as put
    from brainseg.runs import RunStore

    _print_queued(put(RunStore(), config, run_name(options.name, config), launcher=launcher), as_json)


def resume(
    run: Annotated[str, typer.Argument(help="Id, start of the id, or name of a failed or cancelled run.")],
    queue: Annotated[bool, typer.Option("--queue", help="Put it into the queue instead of training here.")] = False,
    launcher: Annotated[
        str | None,
        typer.Option("--launcher", help="Put it into the queue, where this launcher trains it: local, ray or command."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Resume a failed or cancelled run from its last epoch; folds and trials always go into the queue."""
    from brainseg.jobs.actions import resubmit
    from brainseg.jobs.queue import reclaim, reconcile
    from brainseg.runs import RunStore

    store = RunStore()
    reconcile(store)
    kind = store.get(run).kind
    if kind == "crossval":
        print_queued(resubmit(store, run, launcher), as_json)
    elif kind == "search":
        print_queued_search(resubmit(store, run, launcher), as_json)
    elif queue or launcher:
        _print_queued(resubmit(store, run, launcher), as_json)
    else:
        _watch(store, reclaim(store, run), as_json)


@run_options("name")
def lr_find(
    options: RunOptions,
    queue: Annotated[bool, typer.Option("--queue", help="Put it into the queue instead of searching here.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find a learning rate, and draw the curve with its valley."""
    config = options.config("find-lr")
    from brainseg.runs import RunStore

    name = run_name(None, config, "find-lr")
    if queue:
        from brainseg.jobs.queue import submit as put

        _print_queued(put(RunStore(), config, name, "find-lr"), as_json)
        return
    from brainseg.tasks import task_of
    from brainseg.training.lr_finder import CURVE, run_finder

    folder = new_folder(paths.subfolder("lr-find"), name)
    run_finder(task_of(config), _Notes(), folder, RunStore().warm_start(config))
    _print_rate(folder / CURVE, folder, as_json)


def _print_rate(file: Path, folder: Path, as_json: bool) -> None:
    from brainseg.plots import learning_rate_curve, save_html
    from brainseg.training.lr_finder import load_curve

    curve, suggestion = load_curve(file)
    plot = folder / "learning_rate.html"
    save_html(learning_rate_curve(curve, suggestion), plot)
    if as_json:
        print_json({"suggestion": suggestion, "curve": curve.to_dict(orient="list"), "figure": str(plot)})
    else:
        ANSWERS.print(f"Suggested learning rate: {suggestion:.2e}\nCurve: {plot}", soft_wrap=True)


class _Notes:
    """A `RunLog` that prints its messages on stderr."""

    def message(self, sentence: str) -> None:
        NOTES.print(sentence, markup=False)

    def progress(self, progress: Progress) -> None:
        """Show no progress: a search takes seconds."""

    def epoch(self, metrics: EpochMetrics) -> None:
        """Never called: a search has no epochs."""

    def cancelled(self) -> bool:
        return False


def _watch(store: RunStore, run: Run, as_json: bool) -> None:
    from brainseg.jobs.supervisor import supervise

    NOTES.print(f"Run {run.name} ({run.id[:8]})", markup=False)
    paths.bind_to_home()
    try:
        with TrainingView() as view:
            ended = supervise(store, run, view)
    except KeyboardInterrupt:
        how = "starts it again" if run.check else "continues from the last epoch"
        NOTES.print(f"Stopped; `python -m brainseg resume {run.id[:8]}` {how}.", markup=False)
        raise typer.Exit(130) from None
    if ended.status != "FINISHED":
        if as_json:
            print_json(ended.to_dict())
        for line in (f"{ended.status}: {ended.reason}", *end_lines(ended)[1:]):
            NOTES.print(line, markup=False, soft_wrap=True)
        raise typer.Exit(FAILED_RUN)
    if ended.check:
        from brainseg.cli.robustness import print_measured

        print_measured(store, store.get(ended.check.run), as_json)
        return
    if ended.kind == "find-lr":
        from brainseg.results.exports import file_stem

        folder = paths.subfolder("lr-find", file_stem(ended))
        _print_rate(store.path(ended.id, "learning_rate.json"), folder, as_json)
        return
    report = json.loads(store.path(ended.id, "evaluation.json").read_text("utf-8"))
    bundle = store.bundle(ended)
    if as_json:
        print_json(
            {"run_id": ended.id, "name": ended.name, "status": ended.status, "metrics": report, "bundle": str(bundle)}
        )
    else:
        print_report(ended.config.task, report)
        ANSWERS.print(f"Bundle: {bundle}\nRun: {ended.id}", markup=False, soft_wrap=True)


def _print_queued(run: Run, as_json: bool) -> None:
    print_run(run, f"Queued run {run.name} ({run.id}); `show {run.id[:8]}` shows its progress.", as_json)
