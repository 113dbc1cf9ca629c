"""`predict`: diagnose image files with a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from brainseg import DISCLAIMER
from brainseg.cli.archive import SOME_FAILED, predict_archive
from brainseg.cli.archive_plan import archive_plan
from brainseg.cli.by_task import COMMANDS, commands_of
from brainseg.cli.chosen_models import chosen_models, stored_heatmaps_of
from brainseg.cli.classification import stability_sentences
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.cli.prediction import ClassAnswer, Failure, MaskAnswer, Request, check_choice
from brainseg.cli.reports import MOST
from brainseg.cli.study import predict_study
from brainseg.diagnosis.batches import WORKERS
from brainseg.diagnosis.calibrated import basis, write_value
from brainseg.diagnosis.doubts import UNCERTAIN
from brainseg.diagnosis.methods import METHODS
from brainseg.diagnosis.words import percent
from brainseg.errors import ConfigError
from brainseg.files import write_atomically
from brainseg.models.description import read_description
from brainseg.models.export.names import CHOICES, BackendChoice, computed_with
from brainseg.scans.volumes.sequence import SEQUENCES
from brainseg.scans.volumes.slices import PLANES
from brainseg.tasks import facts_of
from brainseg.users.policy import Act, acting

AXIAL = next(iter(PLANES))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    run: Annotated[
        list[str],
        typer.Option(help="Id, start of the id, or name of a finished run or ensemble; several runs answer together."),
    ],
    files: Annotated[list[Path] | None, typer.Argument(help="Images: PNG, JPEG, BMP, TIFF or GIF.")] = None,
    cam: Annotated[
        Path | None,
        typer.Option(help="PNG for the scan with its heatmap; with several files, one PNG for each, beside this one."),
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="CSV file for the answers.")] = None,
    explain: Annotated[
        str | None, typer.Option(help="Class that the heatmap explains; by default the predicted one.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help=f"How to draw the heatmap: {', '.join(METHODS)} (slow); by default the model's own."),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(
            help="Residual stage of the heatmap, 1 to 4; by default the model's own, or the last with another --method."
        ),
    ] = None,
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Measure how much the answer changes with slight changes of the image."),
    ] = False,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="PNG for the mask of a segmentation run; with several files, one PNG for each, beside this one."
        ),
    ] = None,
    overlay: Annotated[Path | None, typer.Option(help="PNG for the scan with its mask (segmentation runs).")] = None,
    report: Annotated[
        Path | None, typer.Option(help=f"PDF or HTML file for a report on the images, up to {MOST}, each on its pages.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Read a study (DICOM, NIfTI, NRRD; a file, a folder or a zip file) instead of images, and write "
            "mask.nii.gz, measurements.csv, report.pdf and report.html to this folder, for DICOM also mask.dcm and "
            "measurements.dcm, or "
            "slices.csv for a run that classifies. With --archive: the file of the answers, .parquet or .csv."
        ),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(
            help="Answer every file of a folder tree, however many there are, and write the answers to --out."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --archive: continue answers that were interrupted.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help=f"With --archive: batches that are worked on at the same time, {WORKERS} by default."),
    ] = None,
    plane: Annotated[str, typer.Option(help="With --out: the plane of the slices that the run learnt from.")] = AXIAL,
    sequence: Annotated[
        str | None,
        typer.Option(help=f"With --out: the sequence to use, if the study holds several: {', '.join(SEQUENCES)}."),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(
            help=f"What runs the networks: {', '.join(CHOICES)}. auto: the fastest that is installed, exported and was "
            "compared with torch for this model."
        ),
    ] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Diagnose images. A file that cannot be read gets an error sentence; the others still get answers."""
    from brainseg.runs import RunStore

    check_choice("--method", method, (None, *METHODS))
    check_choice("--backend", backend, CHOICES)
    files = files or []
    plan = archive_plan(archive, out, resume, workers, files)
    store = RunStore()
    bundles, ensemble, answering = chosen_models(store, run)
    asked = " ".join(each.id for each in answering)
    tasks = {read_description(bundle).task for bundle in bundles}
    if len(tasks) > 1:
        raise ConfigError("--run names a run that classifies and one that marks tumours: use one kind at a time.")
    task = tasks.pop()
    heatmaps = stored_heatmaps_of(store, answering) if report and commands_of(task).has_heatmaps else ()
    request = Request(
        files,
        csv_file,
        cam,
        explain,
        method,
        layer,
        mask,
        overlay,
        uncertainty,
        ensemble,
        report,
        heatmaps,
        cast("BackendChoice", backend),
    )
    _refuse_options_of_other_tasks(task, request)
    if plan:
        _refuse_options_of_images(request, "--archive for a table of answers", plane != AXIAL, sequence)
        with acting(Act.DIAGNOSE, asked):
            predict_archive(commands_of(task).answering, bundles, request, plan, as_json=as_json)
        return
    if out:
        _refuse_options_of_images(request, "--out for a study")
        check_choice("--plane", plane, PLANES)
        check_choice("--sequence", sequence, (None, *SEQUENCES))
        with acting(Act.DIAGNOSE, asked, count=1):
            predict_study(
                bundles, task, files, out, plane=plane, sequence=sequence, backend=request.backend, as_json=as_json
            )
        return
    with acting(Act.DIAGNOSE, asked, count=len(files)):
        answers = commands_of(task).predict(bundles, request)
    if csv_file:
        write_atomically(csv_file, lambda temporary: temporary.write_text(answers.table, encoding="utf-8"))
    if as_json:
        print_json(answers.values)
    else:
        _print(answers.values)
    if any("error" in answer for answer in answers.values):
        raise typer.Exit(SOME_FAILED)


def _refuse_options_of_other_tasks(task: str, request: Request) -> None:
    """Refuse an option that is only for runs of another task.

    Raises:
        ConfigError: Names the option.
    """
    for other, commands in COMMANDS.items():
        given = [option for option in commands.predict_options if getattr(request, option)]
        if other != task and given:
            raise ConfigError(
                f"--{given[0]} is for a run that {facts_of(other).does}, but the run of --run {facts_of(task).does}: "
                "leave it out."
            )


def _refuse_options_of_images(request: Request, purpose: str, plane: bool = False, sequence: str | None = None) -> None:
    """Refuse an option that has no effect on a study or on an archive.

    Args:
        request: The other options.
        purpose: The option that was given, and what it is for.
        plane: Whether a plane was chosen that is refused.
        sequence: A sequence that is refused.

    Raises:
        ConfigError: Names the option.
    """
    for option in ("csv", "cam", "explain", "method", "layer", "mask", "overlay", "uncertainty", "report"):
        if getattr(request, option):
            raise ConfigError(f"--{option} is for images, and {purpose}: leave one of them out.")
    for option, given in (("plane", plane), ("sequence", sequence)):
        if given:
            raise ConfigError(f"--{option} is for a study, and {purpose}: leave one of them out.")


def _print(answers: Sequence[ClassAnswer | MaskAnswer | Failure]) -> None:
    for answer in answers:
        if "error" in answer:
            NOTES.print(answer["error"], markup=False, soft_wrap=True)
            continue
        decision = f"{_words(answer)} ({answer['seconds']:.2f} s)"
        if answer["in_domain"] is False:
            decision = f"If it were: {decision}"
        elif answer.get("outcome") == UNCERTAIN:
            decision = f"If it had to decide: {decision}"
        for warning in answer["warnings"]:
            if warning not in answer["headline"]:
                NOTES.print(warning, markup=False, soft_wrap=True)
        ANSWERS.print(f"{answer['file']}: {answer['headline']} {decision}", markup=False, soft_wrap=True)
        for sentence in () if "sentence" in answer else stability_sentences(answer):
            ANSWERS.print(f"  {sentence}", markup=False, soft_wrap=True)
    given = [answer for answer in answers if "error" not in answer]
    named = dict.fromkeys((each["model"], each["backend"], each["precision"]) for each in given)
    for model, backend, precision in named:
        ANSWERS.print(f"Answered by {model}, with {computed_with(backend, precision)}.", markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _words(answer: ClassAnswer | MaskAnswer) -> str:
    if "sentence" in answer:
        return answer["sentence"]
    values = ", ".join(f"{name} {write_value(value, answer['n'])}" for name, value in answer["probabilities"].items())
    threshold = answer["threshold"]
    decides = "" if threshold is None else f"; threshold {percent(threshold)}"
    return f"{answer['label']} ({values}; {basis(answer['n'])}{decides})"
