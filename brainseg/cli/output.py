"""Output of commands: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from brainseg.jobs.workspace import Workspace
    from brainseg.runs import Run
    from brainseg.runs.run import StoredEntry

ANSWERS = Console(highlight=False)
NOTES = Console(stderr=True, highlight=False)

PHASES = {
    "preparing": "Reading images",
    "finding": "Learning rate",
    "frozen": "Frozen body",
    "unfrozen": "Whole network",
    "features": "Features",
    "evaluating": "Evaluating",
    "robustness": "Predicting",
}


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON, and nothing else, on stdout; NaN and infinite numbers become null."""
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str))


def print_run(run: StoredEntry, words: str, as_json: bool) -> None:
    """Print a run that a command has queued or changed: as JSON, or what was done in words."""
    if as_json:
        print_json(run.to_dict())
    else:
        ANSWERS.print(words, markup=False, soft_wrap=True)


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fraction(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """Write a fraction of 0..1, with its 95 % interval if there is one."""
    if value is None or not math.isfinite(value):
        return "not defined"
    return f"{value:.3f}" + (f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def end_lines(run: Run) -> list[str]:
    """Return, by line, why a run ended, the command that resumes it, and the end of its log."""
    if run.end is None or not run.end.message:
        return []
    how = "starts it again" if run.check else "continues it from its last epoch"
    hint = [f"`resume {run.id[:8]}` {how}."] if run.end.resumable else []
    tail = ["The last lines of its log:", run.end.log_tail] if run.end.log_tail else []
    return [run.end.message, *hint, *tail]


def counter(what: str) -> tuple[Progress, Callable[[int, int], None]]:
    """Return a progress bar and a function that moves it by (done, total)."""
    bar = _bar()
    task = bar.add_task(what, total=None)
    return bar, lambda done, total: bar.update(task, completed=done, total=total)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=NOTES,
        transient=True,
    )


class TrainingView:
    """Shows a training in another process on stderr: its progress as bars, its log as lines."""

    def __init__(self) -> None:
        self.bar = _bar()
        self.steps: TaskID | None = None
        self.shown = ("", 0)
        self.log_position = 0

    def __enter__(self) -> TrainingView:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, workspace: Workspace) -> None:
        """Show the progress and the log lines that are new since the last call."""
        self._print_log(workspace)
        progress = workspace.read_progress()
        if not progress:
            return
        key = (progress["phase"], progress["epoch"])
        if self.steps is None or key != self.shown:
            if self.steps is not None:
                self.bar.remove_task(self.steps)
            epoch = f", epoch {progress['epoch']} of {progress['epochs']}" if progress["epoch"] else ""
            self.steps = self.bar.add_task(f"{PHASES[progress['phase']]}{epoch}", total=None)
            self.shown = key
        self.bar.update(self.steps, completed=progress["step"], total=progress["steps"])

    def _print_log(self, workspace: Workspace) -> None:
        try:
            with workspace.log.open(encoding="utf-8", errors="replace") as stream:
                stream.seek(self.log_position)
                text = stream.read()
                self.log_position = stream.tell()
        except OSError:
            return
        for line in text.splitlines():
            self.bar.console.print(line, markup=False)
