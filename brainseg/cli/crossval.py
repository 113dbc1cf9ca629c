"""`crossval`, and what other commands print about a cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from brainseg.cli.options import JsonOption, LauncherOption, RunOptions, run_options
from brainseg.cli.output import ANSWERS, counter, fraction, print_json, print_run
from brainseg.cli.waiting import INCOMPLETE, wait_for
from brainseg.errors import ConfigError
from brainseg.jobs.submission import run_name

if TYPE_CHECKING:
    from brainseg.results.crossval.result import CrossvalResult
    from brainseg.runs import Run, RunStore

OWN = ("data.split", "data.folds", "data.fold", "data.outer_folds", "data.outer_fold")
"""Settings that the command chooses for each fold."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(crossval)


@run_options()
def crossval(
    options: RunOptions,
    folds: Annotated[int, typer.Option(help="Number of folds, 2 to 20.")] = 5,
    repeats: Annotated[
        int, typer.Option(help="How often the folds are drawn, 1 to 20; each repeat adds 1 to the seed of the split.")
    ] = 1,
    choose: Annotated[
        list[str] | None,
        typer.Option(
            help="section.field=value,value: values to choose from on inner folds of each training side (nested); may "
            "be given several times for every combination."
        ),
    ] = None,
    inner_folds: Annotated[int, typer.Option(help="Number of inner folds for --choose, 2 to 20.")] = 3,
    launcher: LauncherOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all folds have ended, and print the result.")] = (
        False
    ),
    as_json: JsonOption = False,
) -> None:
    """Queue a cross-validation: one training per fold and repeat, whose predictions are pooled.

    With --choose it is nested: each fold trains with the settings that win on inner folds of its own training side.

    Folds keep copies and patients together; --set data.grouped_folds=false draws them by image, as in the paper.
    """
    _refuse_own_settings(options.settings or [])
    config = options.config()
    from brainseg.jobs.candidates import parse_candidates
    from brainseg.jobs.crossval import check_dataset, plan_of, submit_crossval
    from brainseg.runs import RunStore

    plan = plan_of(folds, repeats, config, inner_folds, parse_candidates(choose or [], config))
    bar, report_progress = counter("Reading images")
    with bar:
        check_dataset(config, plan, report_progress)
    store = RunStore()
    parent = submit_crossval(store, config, options.name or f"{run_name(None, config)}-crossval", plan, launcher)
    if not wait:
        print_queued(parent, as_json)
        return
    parent = wait_for(
        store, parent, "Folds ended", _ended, f"The folds stay in the queue; `cancel {parent.id[:8]}` cancels them."
    )
    print_crossval(store, parent, as_json)
    if parent.status != "FINISHED":
        raise typer.Exit(INCOMPLETE)


def _refuse_own_settings(settings: list[str]) -> None:
    """Refuse settings that would be ignored.

    Raises:
        ConfigError: One of them is set.
    """
    for setting in settings:
        name = setting.partition("=")[0].strip()
        if name in OWN:
            raise ConfigError(
                f"{name}: crossval chooses it for each fold, so leave it out; --folds sets the number of folds, and "
                "--set data.grouped_folds=false draws them by image."
            )


def _ended(parent: Run) -> tuple[int, int] | None:
    counts = parent.counts
    return (counts.finished + counts.failed + counts.cancelled, counts.total) if counts else None


def print_queued(parent: Run, as_json: bool) -> None:
    """Print that a cross-validation was queued."""
    counts = f" ({parent.counts.words()})" if parent.counts else ""
    words = (
        f"Queued cross-validation {parent.name}, {parent.id}{counts}; `show {parent.id[:8]}` shows its progress "
        "and its result."
    )
    print_run(parent, words, as_json)


def print_crossval(store: RunStore, parent: Run, as_json: bool) -> None:
    """Print the folds and the result of a cross-validation."""
    from brainseg.results.crossval.reading import crossval_result

    result = crossval_result(store, parent)
    if as_json:
        print_json({**store.get(parent.id).to_dict(), **result.values()})
    else:
        print_result(result)


def print_result(result: CrossvalResult) -> None:
    """Print the folds, and mean, standard deviation and intervals of each metric, or why there is no result."""
    from brainseg.results.by_task import results_of
    from brainseg.results.crossval.choices import settings_words
    from brainseg.results.crossval.wording import basis_sentences

    names = results_of(result.parent.config.task).crossval.names
    shown = list(names)[:4]
    folds = Table("repeat", "fold", "run", "status", *(names[name] for name in shown), box=None, pad_edge=False)
    for fold in result.folds:
        values = [fraction(fold.metrics[name]) if fold.metrics else "" for name in shown]
        run = f"{fold.run.name} ({fold.run.id[:8]})" if fold.run else "none"
        status = fold.run.status if fold.run else "MISSING"
        folds.add_row(str(fold.repeat), str(fold.fold), escape(run), status, *values)
    ANSWERS.print(folds)
    for made in result.choices:
        means = "; ".join(f"{words} {fraction(mean)}" for words, mean in made["means"].items())
        ANSWERS.print(
            f"Repeat {made['repeat']}, fold {made['fold']}: chosen on its inner folds: "
            f"{settings_words(made['winner'])} (means over the inner folds: {means})",
            markup=False,
            soft_wrap=True,
        )
    if result.pooled is None:
        ANSWERS.print(result.problem, markup=False, soft_wrap=True)
        return
    table = Table("metric", "mean of folds (95 % interval)", "sd", "pooled (95 % interval)", box=None, pad_edge=False)
    for name, words in names.items():
        summary, pooled = result.summaries[name], result.pooled["intervals"][name]
        table.add_row(
            words,
            _bounded(summary.mean, summary.interval),
            fraction(summary.sd),
            _bounded(result.pooled["metrics"][name], (pooled["low"], pooled["high"]) if pooled else None),
        )
    ANSWERS.print(table)
    for sentence in basis_sentences(result):
        ANSWERS.print(sentence, markup=False, soft_wrap=True)


def _bounded(value: float | None, interval: tuple[float, float] | None) -> str:
    return fraction(value) + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval and value is not None else "")
