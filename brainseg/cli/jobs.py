"""`runs`, `cancel` and `worker`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, NOTES, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brainseg.runs import Run, RunStore
    from brainseg.runs.run import StoredEntry


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="runs")(list_runs)
    app.command()(cancel)
    app.command()(worker)


def list_runs(as_json: JsonOption = False) -> None:
    """List runs, newest first."""
    from brainseg.jobs.queue import reconcile
    from brainseg.results.run_wording import outcome_words
    from brainseg.runs import Run, RunStore
    from brainseg.runs.crossval import nested
    from brainseg.runs.run import default_run

    store = RunStore()
    reconcile(store)
    entries = _with_metrics(store, store.entries())
    runs = [run for run in entries if isinstance(run, Run)]
    warn_if_no_worker(store, runs)
    if as_json:
        print_json([run.to_dict() for run in entries])
        return
    name = Column("name", overflow="fold")  # users type names into other commands, so names are shown in full
    table = Table(
        "id", name, "kind", "status", "model", "outcome (95 % interval)", "created (UTC)", box=None, pad_edge=False
    )
    tasks = {run.config.task for run in runs}
    offered = {found.id for task in tasks if (found := default_run(runs, task))}
    for run in nested(entries):
        if not isinstance(run, Run):
            why = f"cannot be read: {run.why}"
            table.add_row(run.id[:8], escape(run.name), "", run.status, "", escape(why), _minute(run.created))
            continue
        table.add_row(
            run.id[:8],
            ("  " if run.parent else "") + escape(run.name) + (" *" if run.id in offered else ""),
            run.kind,
            run.status,
            f"{len(run.members)} members" if run.members else run.config.model.arch,
            escape(outcome_words(run)),
            _minute(run.created),
        )
    ANSWERS.print(table if entries else "No runs yet: `train` or `submit` makes one.")
    if offered:
        ANSWERS.print("* Diagnose offers its model first.")


def _with_metrics(store: RunStore, entries: Sequence[StoredEntry]) -> list[StoredEntry]:
    """Return runs with the metrics of complete cross-validations, which are computed when they are first needed."""
    from brainseg.runs import UnreadableRun

    if not any(entry.status == "FINISHED" for entry in entries if getattr(entry, "kind", "") == "crossval"):
        return list(entries)
    from brainseg.results.crossval.reading import settled

    return [entry if isinstance(entry, UnreadableRun) else settled(store, entry) for entry in entries]


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def warn_if_no_worker(store: RunStore, runs: list[Run]) -> None:
    """Print a note if runs wait and no worker takes them."""
    from brainseg.jobs.workers import without_worker

    if waiting := without_worker(store, runs):
        what = f"{len(waiting)} runs wait" if len(waiting) > 1 else f"Run {waiting[0].name} waits"
        NOTES.print(
            f"{what}, and no worker is running: start one with `python -m brainseg worker`.",
            markup=False,
            soft_wrap=True,
        )


def cancel(run: RunArgument, as_json: JsonOption = False) -> None:
    """Stop a waiting or running run within ten seconds; of a cross-validation or a search, all its runs."""
    from brainseg.jobs.actions import cancel as stop
    from brainseg.jobs.queue import reconcile
    from brainseg.runs import RunStore

    store = RunStore()
    reconcile(store)
    stopped = stop(store, run)
    if as_json:
        print_json(stopped.to_dict())
    else:
        ANSWERS.print(f"{stopped.name} ({stopped.id[:8]}): {stopped.status}", markup=False)


def worker(
    device: Annotated[str, typer.Option(help="auto, cpu or cuda: the device whose runs it takes.")] = "auto",
    idle: Annotated[
        float | None, typer.Option(help="End after this many seconds without work; by default, never.")
    ] = None,
) -> None:
    """Train waiting runs one at a time, until stopped."""
    from brainseg.jobs.worker import work

    if device not in ("auto", "cpu", "cuda"):
        raise typer.BadParameter(f"{device!r} is not allowed: auto, cpu or cuda.")
    done = work(device, idle, _pool_if_last)
    ANSWERS.print(
        "Another worker already serves this device." if done < 0 else f"Trained {done} runs; nothing is waiting."
    )


def _pool_if_last(store: RunStore, run: Run) -> None:
    """Pool the folds of a cross-validation after its last one, so lists of runs show its metrics at once."""
    if run.parent:
        from brainseg.results.crossval.reading import settled

        settled(store, store.get(run.parent))
