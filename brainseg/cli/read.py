"""`read`: make reader studies, list them, end them, and get their results, exports and the check of their log."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json
from brainseg.cli.read_output import check_lines, print_results, print_study, summary
from brainseg.errors import ConfigError, ReadingError

if TYPE_CHECKING:
    from brainseg.datasets.library import KnownDataset
    from brainseg.reading.model import ChosenModel

NO_MODEL = "none"
BROKEN = 1
"""Exit code if a log is not intact."""
StudyArgument = Annotated[str, typer.Argument(help="Id, start of the id, or name of a study.")]

app = typer.Typer(
    help="Reader studies: people answer on the Read page before they see a model's answer.", no_args_is_help=True
)


@app.command()
def create(
    data: Annotated[str | None, typer.Option(help="Name of a known dataset.")] = None,
    phantom: Annotated[
        int | None, typer.Option(min=4, help="Instead of --data: draw so many synthetic slices, for teaching.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Run of the model, or none. By default the promoted classifier.")
    ] = None,
    cases: Annotated[int, typer.Option(help="Number of cases.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the sample and of each reader's order.")] = 0,
    name: Annotated[str, typer.Option(help="Name of the study; by default that of the dataset.")] = "",
    positive: Annotated[
        str | None, typer.Option(help="The class that sensitivity is of; by default the model's, or the dataset's.")
    ] = None,
    teaching: Annotated[bool, typer.Option("--teaching", help="Show the truth after each case.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a study: draw cases at random, at most one image per patient and none that the model was trained on."""
    from brainseg.reading.creating import StudyRequest, create_study

    if (data is None) == (phantom is None):
        raise ConfigError("Give either --data NAME, a known dataset, or --phantom N, new synthetic slices.")
    model = _model(run)
    bar, progress = counter("Reading images")
    with bar:
        request = StudyRequest(_dataset(data, phantom, seed), cases, name, seed, teaching, positive)
        study = create_study(request, model, progress)
    if as_json:
        print_json(summary(study))
        return
    print_study(study)
    for note in study.notes:
        NOTES.print(note, markup=False, soft_wrap=True)


@app.command(name="list")
def list_studies(as_json: JsonOption = False) -> None:
    """List the studies, newest first, with the progress of each reader."""
    from brainseg.reading.library import UnreadableStudy, all_studies

    found: list[dict[str, Any]] = []
    for study in all_studies():
        if isinstance(study, UnreadableStudy):
            found.append({"study": study.id, "unreadable": study.reason})
            if not as_json:
                NOTES.print(study.reason, markup=False, soft_wrap=True)
        else:
            found.append(summary(study))
            if not as_json:
                print_study(study)
    if as_json:
        print_json(found)
    elif not found:
        NOTES.print("There is no reader study yet: `read create` makes one.", markup=False)


@app.command()
def end(study: StudyArgument, as_json: JsonOption = False) -> None:
    """End a study before all who began have finished. Nobody can answer any more, and this cannot be undone."""
    from brainseg.reading.ending import end_study
    from brainseg.reading.library import find_study

    found = find_study(study)
    end_study(found, "command")
    print_json(summary(found)) if as_json else print_study(found)


@app.command()
def results(study: StudyArgument, as_json: JsonOption = False) -> None:
    """Show the results of a study that is over: all who began have finished, or it was ended."""
    from brainseg.reading.ending import results_seen
    from brainseg.reading.library import find_study, new_id
    from brainseg.reading.results import study_results

    found = find_study(study)
    results_seen(found, new_id(), "command")
    computed = study_results(found)
    if as_json:
        print_json(computed.values())
        return
    print_results(computed)


@app.command()
def export(
    study: StudyArgument,
    answers: Annotated[Path | None, typer.Option(help="CSV file for the answers.")] = None,
    log: Annotated[Path | None, typer.Option(help="File for the log, as JSON lines.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Export the answers, the log or both of a study that is over: pseudonyms and hashes, no file names."""
    from brainseg.files import write_atomically
    from brainseg.reading.exports import answers_csv, log_bytes
    from brainseg.reading.library import find_study

    if answers is None and log is None:
        raise ConfigError("Name a file to write: --answers FILE, --log FILE, or both.")
    found = find_study(study)
    written = []
    for file, make in ((answers, answers_csv), (log, log_bytes)):
        if file is not None:
            content = make(found, "command")
            write_atomically(file, partial(_write, content), len(content))
            written.append(str(file))
    if as_json:
        print_json({"study": found.id, "files": written, "disclaimer": DISCLAIMER})
    else:
        ANSWERS.print(f"Written: {', '.join(written)}. {DISCLAIMER}", markup=False, soft_wrap=True)


@app.command()
def verify(
    study: Annotated[str, typer.Argument(help="A study, or the file of an exported log.")],
    wanted: Annotated[str, typer.Option("--hash", help="A hash that was noted earlier and must be in the log.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Check that no line of a log was changed, added or removed; exit code 1 if one was."""
    from brainseg.reading.ending import check_log_file, check_study_log
    from brainseg.reading.library import find_study

    file = Path(study)
    check = check_log_file(file, wanted) if file.is_file() else check_study_log(find_study(study), wanted)
    if as_json:
        print_json({**asdict(check), "intact": check.intact})
    else:
        for line in check_lines(check):
            ANSWERS.print(line, markup=False, soft_wrap=True)
    if not check.intact:
        raise typer.Exit(BROKEN)


def _write(content: bytes, file: Path) -> None:
    file.write_bytes(content)


def _model(run: str | None) -> ChosenModel | None:
    from brainseg.reading.model import ChosenModel
    from brainseg.runs import RunStore
    from brainseg.runs.run import default_run

    if run == NO_MODEL:
        return None
    store = RunStore()
    chosen = store.get(run) if run else default_run(store.list(), "classify")
    if chosen is None:
        raise ReadingError("There is no trained classifier yet: train one, or make the study with --run none.")
    return ChosenModel(store, chosen)


def _dataset(data: str | None, phantom: int | None, seed: int) -> KnownDataset:
    from brainseg.datasets.library import add_phantom, find

    return find(data) if data is not None else add_phantom(phantom or 0, seed, slices_per_subject=1)


def register(program: typer.Typer) -> None:
    """Add the group of commands."""
    program.add_typer(app, name="read")
