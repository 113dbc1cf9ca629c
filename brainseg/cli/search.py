"""`search` and `search show`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from brainseg.cli.options import JsonOption, RunArgument, RunOptions, run_options
from brainseg.cli.output import ANSWERS, NOTES, counter, fraction, print_json
from brainseg.cli.waiting import INCOMPLETE, wait_for
from brainseg.errors import RunError
from brainseg.jobs.submission import run_name
from brainseg.search.plan import TRIALS, check_budget, plan_search, refuse_changed_ranges
from brainseg.search.ranges import parse_ranges

if TYPE_CHECKING:
    from brainseg.results.search.result import SearchResult
    from brainseg.runs import Run, RunStore
    from brainseg.search.plan import SearchPlan

app = typer.Typer(no_args_is_help=True)


def register(main: typer.Typer) -> None:
    """Add the commands."""
    app.callback(invoke_without_command=True)(search)
    app.command()(show)
    main.add_typer(app, name="search")


@run_options()
def search(
    options: RunOptions,
    context: typer.Context = None,  # type: ignore[assignment] # Typer passes it, wherever it stands
    set_range: Annotated[
        list[str] | None,
        typer.Option(
            "--set-range",
            help="section.field=LOW:HIGH, with :log or :step=S, or section.field=value,value; may be given many times.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help=f"Most trials; {TRIALS} if not given.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours of training after which no further trial begins; 0: no limit.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Most epochs of all trials together; 0: no limit.")] = None,
    method: Annotated[str, typer.Option(help="tpe (Bayesian), random or grid.")] = "tpe",
    metric: Annotated[
        str, typer.Option(help="Metric of the validation set to maximise; accuracy or dice if not given.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the proposals.")] = 42,
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="End trials early that are worse than the median of the others.")
    ] = True,
    parallel: Annotated[int, typer.Option(help="Trials in the queue at a time.")] = 1,
    confirm: Annotated[
        str,
        typer.Option(
            help="How the best trial is confirmed. test: on a test set that no trial sees (a fifth of the images "
            "unless data.test_fraction is set); folds: by a cross-validation on other folds; none."
        ),
    ] = "test",
    resume: Annotated[
        str | None, typer.Option(help="Continue this search instead; --trials, --hours and --epochs raise its budget.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the search, and print the result.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Queue a search: trials with different settings, pruned by epoch, then a confirmation of the best one.

    Each trial is a run in the queue. `show` prints the search with its trials; `cancel` and `resume` take it, too.
    """
    if context.invoked_subcommand:
        return
    from brainseg.runs import RunStore

    store = RunStore()
    if resume is not None:
        found = _resume(store, resume, set_range or [], trials, hours, epochs)
    else:
        plan_of = partial(
            plan_search,
            trials=TRIALS if trials is None else trials,
            hours=hours or 0.0,
            epochs=epochs or 0,
            method=method,
            metric=metric,
            seed=seed,
            prune=prune,
            parallel=parallel,
            confirm=confirm,
        )
        found = _submit(store, options, set_range or [], plan_of, prune)
    if not wait:
        print_queued_search(found, as_json)
        return
    found = wait_for(store, found, "Trials ended", _ended, f"The search goes on; `cancel {found.id[:8]}` cancels it.")
    print_search(store, found, as_json)
    if found.status != "FINISHED":
        raise typer.Exit(INCOMPLETE)


def _submit(
    store: RunStore, options: RunOptions, set_range: list[str], plan_of: Callable[..., SearchPlan], prune: bool
) -> Run:
    from brainseg.jobs.search import check_dataset, search_config, submit_search, with_absolute_weights
    from brainseg.results.search.reading import metrics_of

    config = options.config()
    ranges = with_absolute_weights(parse_ranges(set_range, config), config)
    plan = plan_of(ranges, config, list(metrics_of(config.task)))
    if prune and not plan.prune:
        NOTES.print("Nothing is pruned: the epochs of these trials cannot be compared.", markup=False)
    config = search_config(config, plan)
    bar, report_progress = counter("Reading images")
    with bar:
        check_dataset(config, plan, report_progress)
    return submit_search(store, config, options.name or f"{run_name(None, config)}-search", plan)


def _resume(
    store: RunStore, wanted: str, set_range: list[str], trials: int | None, hours: float | None, epochs: int | None
) -> Run:
    """Resume a search, with another budget if one is given.

    Raises:
        ConfigError: The ranges differ from its own, or a budget is not allowed.
        RunError: There is no such search, or nothing to resume.
    """
    from brainseg.jobs.queue import reconcile
    from brainseg.jobs.search import resume_search

    reconcile(store)
    found = store.get(wanted)
    if (plan := found.search) is None:
        raise RunError(f"Run {found.name!r} is no search: `brainseg search` makes one.")
    if set_range:
        refuse_changed_ranges(plan, parse_ranges(set_range, found.config))
    plan = replace(
        plan,
        trials=plan.trials if trials is None else trials,
        hours=plan.hours if hours is None else hours,
        epochs=plan.epochs if epochs is None else epochs,
    )
    check_budget(plan)
    return resume_search(store, found, plan)


def _ended(search: Run) -> tuple[int, int] | None:
    return (search.trials.ended, search.trials.total) if search.trials else None


def print_queued_search(search: Run, as_json: bool) -> None:
    """Print that a search was queued, or that it ended at once."""
    if as_json:
        print_json(search.to_dict())
        return
    if search.status in ("FINISHED", "FAILED"):  # a resumed search that has nothing left to do
        ANSWERS.print(f"Search {search.name} is {search.status}. {search.reason}".strip(), markup=False, soft_wrap=True)
        return
    counts = f" ({search.trials.words()})" if search.trials else ""
    ANSWERS.print(
        f"Queued search {search.name}, {search.id}{counts}; `search show {search.id[:8]}` shows its progress and its "
        "result.",
        markup=False,
        soft_wrap=True,
    )


def show(
    run: RunArgument,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write the trials into.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for the plots of the search.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a search: its trials, the importance of the settings, and the confirmation of the best trial."""
    from brainseg.jobs.queue import reconcile
    from brainseg.runs import RunStore

    store = RunStore()
    reconcile(store)
    found = store.get(run)
    if found.search is None:
        raise RunError(f"Run {found.name!r} is no search: `brainseg search` makes one, and `show` shows any run.")
    print_search(store, found, as_json, csv, figures)


def print_search(
    store: RunStore, search: Run, as_json: bool, csv: Path | None = None, figures: Path | None = None
) -> None:
    """Print the trials and the result of a search, and write them into files."""
    from brainseg.files import write_atomically
    from brainseg.results.search.reading import search_result
    from brainseg.results.search.tables import trials_table

    result = search_result(store, search)
    if csv:
        table = trials_table(result)
        write_atomically(csv, lambda temporary: table.to_csv(temporary, index=False))
    drawn: list[str] = []
    if figures:
        from brainseg.cli.outputs import folder_of_run
        from brainseg.plots import save_html
        from brainseg.results.exports import file_stem
        from brainseg.results.search.tables import plots_of

        folder = folder_of_run(figures, search.id, file_stem(search))
        for name, figure in plots_of(result).items():
            save_html(figure, folder / f"{name}.html")
            drawn.append(str(folder / f"{name}.html"))
    if as_json:
        print_json({**search.to_dict(), **result.values(), "figures": drawn})
        return
    print_result(result)
    for file in drawn:
        ANSWERS.print(f"plot: {file}", markup=False, soft_wrap=True)


def print_result(result: SearchResult) -> None:
    """Print the trials, the importance of the settings, and the winner with its confirmation."""
    from brainseg.results.search.wording import head_sentence, result_sentences, value_words

    ANSWERS.print(head_sentence(result), markup=False, soft_wrap=True)
    if result.search.reason:
        ANSWERS.print(result.search.reason, markup=False, soft_wrap=True)
    names = [name.rpartition(".")[2] for name in result.plan.names]
    table = Table("trial", "run", "state", result.plan.metric, *names, box=None, pad_edge=False)
    for trial in result.trials:
        best = " *" if result.best and trial.number == result.best.number else ""
        value = "" if trial.value is None else fraction(trial.value)
        settings = [escape(value_words(trial.point[name])) for name in result.plan.names]
        table.add_row(f"{trial.number}{best}", escape(trial.run.id[:8]), trial.state, value, *settings)
    ANSWERS.print(table)
    for name, importance in result.importance.items():
        ANSWERS.print(f"Importance of {name}: {importance:.2f} ({result.importance_method})", markup=False)
    for sentence in result_sentences(result):
        ANSWERS.print(sentence, markup=False, soft_wrap=True)
    if result.confirmation:
        run = result.confirmation.run
        ANSWERS.print(f"Confirmation: {run.name} ({run.id[:8]}), {run.status}", markup=False, soft_wrap=True)
