"""`predict`: diagnose image files with a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from brainseg import DISCLAIMER
from brainseg.cli.by_task import COMMANDS, commands_of
from brainseg.cli.classification import stability_sentences
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.cli.prediction import ClassAnswer, Failure, MaskAnswer, Request, check_choice
from brainseg.cli.reports import MOST
from brainseg.cli.study import predict_study
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

if TYPE_CHECKING:
    from brainseg.diagnosis.heatmap_checks.stored import StoredHeatmaps
    from brainseg.models.ensemble import Ensemble
    from brainseg.runs import Run, RunStore

SOME_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    files: Annotated[list[Path], typer.Argument(help="Images: PNG, JPEG, BMP, TIFF or GIF.")],
    run: Annotated[
        list[str],
        typer.Option(help="Id, start of the id, or name of a finished run or ensemble; several runs answer together."),
    ],
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
            "slices.csv for a run that classifies."
        ),
    ] = None,
    plane: Annotated[str, typer.Option(help="With --out: the plane of the slices that the run learnt from.")] = "axial",
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
    store = RunStore()
    bundles, ensemble, answering = _models(store, run)
    tasks = {read_description(bundle).task for bundle in bundles}
    if len(tasks) > 1:
        raise ConfigError("--run names a run that classifies and one that marks tumours: use one kind at a time.")
    task = tasks.pop()
    heatmaps = _heatmaps(store, answering) if report and commands_of(task).has_heatmaps else ()
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
    if out:
        _refuse_options_of_images(request)
        check_choice("--plane", plane, PLANES)
        check_choice("--sequence", sequence, (None, *SEQUENCES))
        predict_study(
            bundles, task, files, out, plane=plane, sequence=sequence, backend=request.backend, as_json=as_json
        )
        return
    answers = commands_of(task).predict(bundles, request)
    if csv_file:
        write_atomically(csv_file, lambda temporary: temporary.write_text(answers.table, encoding="utf-8"))
    if as_json:
        print_json(answers.values)
    else:
        _print(answers.values)
    if any("error" in answer for answer in answers.values):
        raise typer.Exit(SOME_FAILED)


def _models(store: RunStore, names: list[str]) -> tuple[list[Path], Ensemble | None, list[Run]]:
    """Return the bundles that answer, the stored ensemble whose members they are, if one was named, and their runs.

    Raises:
        ConfigError: An ensemble is named together with other runs.
        RunError: A run does not exist, or has no model.
        BundleError: A model cannot be used.
    """
    found = [store.get(name) for name in names]
    if stored := next((run for run in found if run.members), None):
        if len(found) > 1:
            members = ", ".join(member.name for member in stored.members)
            raise ConfigError(
                f"--run names the ensemble {stored.name!r} and other runs: name it alone, or its members ({members})."
            )
        from brainseg.runs.ensembles import open_ensemble

        opened = open_ensemble(store, stored)
        for each in opened.members:
            store.exports(each)
        return list(opened.bundles), opened.ensemble, list(opened.members)
    for each in found:
        store.exports(each)  # from a remote store, they are downloaded beside the bundle
    return [store.bundle(run) for run in found], None, found


def _heatmaps(store: RunStore, runs: list[Run]) -> list[StoredHeatmaps | None]:
    """Return what was measured on the heatmaps of each run; a damaged file is named."""
    from brainseg.results.run_files import readable
    from brainseg.results.stored_results import heatmaps

    damaged: list[str] = []
    found = [readable(damaged, heatmaps, store, run) for run in runs]
    for sentence in damaged:
        NOTES.print(sentence, markup=False, soft_wrap=True)
    return found


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


def _refuse_options_of_images(request: Request) -> None:
    """Refuse an option that has no effect on a study.

    Raises:
        ConfigError: Names the option.
    """
    for option in ("csv", "cam", "explain", "method", "layer", "mask", "overlay", "uncertainty", "report"):
        if getattr(request, option):
            raise ConfigError(f"--{option} is for images, and --out for a study: leave one of them out.")


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
