"""All plots of one run: reads its stored files, draws them, and writes them to a folder or a zip file."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plotly.graph_objects import Figure

from brainseg.diagnosis.images import save_png
from brainseg.errors import RunError
from brainseg.files import write_atomically
from brainseg.plots import save_html
from brainseg.results.by_task import results_of
from brainseg.results.exports import zip_file
from brainseg.results.run_files import run_file
from brainseg.runs import Run, RunStore
from brainseg.runs.asking import asks_about_run
from brainseg.users.policy import Act

NOT_DRAWN = "not-drawn.txt"
"""File that names the plots whose data are damaged."""
_NOTHING = "Run {!r} is {} and has nothing to draw yet."
_LOGGER = logging.getLogger(__name__)


def write_run_plots(store: RunStore, run: Run, folder: Path) -> list[Path]:
    """Draw all plots of a run: the learning-rate search, the epochs, and those of its task.

    Args:
        store: The run store.
        run: Live or ended.
        folder: Made if it does not exist.

    Returns:
        The files written. Plots whose data do not exist (yet) are left out. Plots whose data are damaged are named in
        a text file beside the others.

    Raises:
        RunError: The run has nothing to draw yet, or nothing that can be drawn.
    """
    results = results_of(run.config.task)
    written: list[Path] = []
    problems: list[str] = []
    for name in results.plots():
        with _collected(problems, name):
            if figure := draw(name, store, run):
                save_html(figure, folder / f"{name}.html")
                written.append(folder / f"{name}.html")
    for name, read in results.sheets().items():
        with _collected(problems, name):
            if sheet := read(store, run):
                save_png(sheet, folder / f"{name}.png")
                written.append(folder / f"{name}.png")
    if not written:
        raise RunError(problems[0] if problems else _NOTHING.format(run.name, run.status))
    if problems:
        text = "\n".join(problems) + "\n"
        write_atomically(folder / NOT_DRAWN, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        written.append(folder / NOT_DRAWN)
    return written


@contextmanager
def _collected(problems: list[str], name: str) -> Iterator[None]:
    try:
        yield
    except RunError as error:
        problems.append(f"{name}: {error}")


def check_drawable(store: RunStore, run: Run) -> None:
    """Refuse a run that has nothing to draw, before a folder is made for its plots.

    Raises:
        RunError: There is nothing.
    """
    if not has_plots(store, run):
        raise RunError(_NOTHING.format(run.name, run.status))


@asks_about_run(Act.EXPORT)
def plots_zip(store: RunStore, run: Run) -> bytes:
    """Return a run's plots, as `write_run_plots` draws them, as a zip file.

    Raises:
        RunError: The run has nothing to draw yet.
    """
    with tempfile.TemporaryDirectory() as name:
        write_run_plots(store, run, Path(name))
        what = f"The plots of run {run.name} ({run.id}): open the pages in any browser, beside plotly.min.js."
        return zip_file(((file, f"figures/{file.name}") for file in sorted(Path(name).iterdir())), what)


def has_plots(store: RunStore, run: Run) -> bool:
    """Return whether a run has anything to draw (yet)."""
    return any(run_file(store, run, name) for name in ("evaluation.json", "epochs.csv", "learning_rate.json"))


def draw(name: str, store: RunStore, run: Run, *, dark: bool = False) -> Figure | None:
    """Draw one plot of a run.

    Args:
        name: One of `results_of(run.config.task).plots()`.
        store: The run store.
        run: Live or ended.
        dark: Draw for a dark page.

    Returns:
        The plot; None if its data do not exist (yet).

    Raises:
        RunError: A file that the plot is drawn from is damaged.
    """
    plot = results_of(run.config.task).plots()[name](store, run)
    if plot is None:
        return None
    try:
        return plot(dark=dark)
    except ValueError as error:  # plots raise it for tables and reports that no training writes
        _LOGGER.exception("The plot %s of run %s could not be drawn.", name, run.id)
        raise RunError(f"The data of run {run.name!r} for the plot {name} are damaged: train the run again.") from error
