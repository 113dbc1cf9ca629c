"""`predict`: diagnose image files with a finished run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.cli.outputs import picture_files, refuse_overwriting
from brainseg.cli.segment import Pictures, failed, segment_files, segments_csv, slices_of
from brainseg.diagnosis.ensemble import Consensus, check_same_classes, diagnose_with
from brainseg.diagnosis.methods import METHODS, layer_name
from brainseg.diagnosis.table import answer_row, answers_csv, headline, reliability_values
from brainseg.diagnosis.words import percent
from brainseg.errors import ConfigError, ScanError
from brainseg.files import write_atomically
from brainseg.models.description import read_description
from brainseg.models.trained_on import TrainedOn
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Diagnosis, Predictor

SOME_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    files: Annotated[list[Path], typer.Argument(help="Images: PNG, JPEG, BMP, TIFF or GIF.")],
    run: Annotated[
        list[str],
        typer.Option(help="Id, start of the id, or name of a finished run; given several times: an ensemble of them."),
    ],
    cam: Annotated[
        Path | None,
        typer.Option(help="PNG to draw scan and heatmap into; with several files, one PNG each beside it."),
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="CSV to write the answers into.")] = None,
    explain: Annotated[
        str | None, typer.Option(help="Class that the heatmap explains; the predicted one by default.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help=f"How to draw the heatmap: {', '.join(METHODS)} (slow); the model's own by default."),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(
            help="Residual stage of the heatmap, 1 to 4; by default the model's own, with another --method the last."
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="PNG for the mask that a segmentation run marks; with several files, one PNG each beside it."
        ),
    ] = None,
    outlined: Annotated[
        Path | None, typer.Option("--overlay", help="PNG to draw scan and mask into (segmentation runs).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Diagnose images; a bad file gets its sentence, the others still get answers."""
    from brainseg.runs import RunStore

    _one_of("--method", method, (None, *METHODS))
    store = RunStore()
    bundles = [store.bundle(store.get(name)) for name in run]
    tasks = {read_description(bundle).task for bundle in bundles}
    if len(tasks) > 1:
        raise ConfigError("--run names a run that classifies and one that marks tumours: ask one kind at a time.")
    if facts_of(tasks.pop()).has_masks:
        _refuse(_given(method=method, cam=cam, explain=explain, layer=layer), "classifies", "marks tumours")
        answers, table = _segment(bundles, files, Pictures(mask, outlined), csv_file)
    else:
        _refuse(_given(mask=mask, overlay=outlined), "marks tumours", "classifies images")
        sheets = picture_files(cam, files)
        refuse_overwriting({"--cam": sheets, "--csv": [csv_file]}, files)
        answers, table = _classify(bundles, files, sheets, {"explain": explain, "method": method, "stage": layer})
    if csv_file:
        write_atomically(csv_file, lambda temporary: temporary.write_text(table, encoding="utf-8"))
    if as_json:
        print_json(answers)
    else:
        _print(answers)
    if any("error" in answer for answer in answers):
        raise typer.Exit(SOME_FAILED)


def _given(**options: object) -> list[str]:
    return [f"--{name}" for name, value in options.items() if value]


def _refuse(options: list[str], fits: str, does: str) -> None:
    if options:
        raise ConfigError(f"{options[0]} is for a run that {fits}, and the run of --run {does}: leave it out.")


def _segment(
    bundles: list[Path], files: list[Path], pictures: Pictures, csv_file: Path | None
) -> tuple[list[dict[str, Any]], str]:
    from brainseg.diagnosis.segmenter import Segmenter

    if len(bundles) > 1:
        raise ConfigError("--run names several runs that mark tumours, which do not add up to an ensemble: name one.")
    segmenter = Segmenter.open(bundles[0])
    slices = slices_of(segmenter, files)
    firsts = [group[0] for group in slices]
    masks, sheets = picture_files(pictures.mask, firsts), picture_files(pictures.overlay, firsts)
    refuse_overwriting({"--mask": masks, "--overlay": sheets, "--csv": [csv_file]}, files)
    answers = segment_files(segmenter, slices, masks, sheets)
    return answers, segments_csv(answers, TrainedOn.of(segmenter.description.data).sentence)


def _classify(
    bundles: list[Path], files: list[Path], sheets: list[Path | None], options: dict[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    from brainseg.diagnosis.predictor import Predictor

    predictors = [Predictor.open(bundle) for bundle in bundles]
    check_same_classes([(each.name, each.description.classes) for each in predictors])
    classes = predictors[0].description.classes
    _one_of("--explain", options["explain"], (None, *classes))
    _one_of("--layer", options["stage"], (None, *max((each.stages for each in predictors), key=len)))
    rows, answers = [], []
    for file, sheet in zip(files, sheets, strict=True):
        answer, notes = _answer(predictors, file, sheet, options)
        rows.append(answer_row(str(file), answer, notes))
        drawn = {"cam": str(sheet)} if sheet and not isinstance(answer, str) else {}
        said = failed(answer, predictors) if isinstance(answer, str) else _plain(answer, notes)
        answers.append({"file": str(file), **said, **drawn})
    return answers, answers_csv(rows, classes)


def _one_of(option: str, value: object, allowed: Collection[object]) -> None:
    if value not in allowed:
        choices = ", ".join(str(each) for each in allowed if each is not None)
        raise ConfigError(f"{option} must be one of {choices}, not {value}.")


def _answer(
    predictors: list[Predictor], file: Path, sheet: Path | None, options: dict[str, Any]
) -> tuple[Diagnosis | Consensus | str, tuple[str, ...]]:
    """Return the answer, or the sentence that says why there is none, and what reading the image left out."""
    from brainseg.diagnosis.images import diagnosis_sheet, save_png
    from brainseg.scans import read_scan

    try:
        scan = read_scan(file)
    except ScanError as error:
        return str(error), ()
    answer = diagnose_with(predictors, scan, **options)
    if sheet:
        save_png(diagnosis_sheet(scan.pixels, scan.name, answer), sheet)
    return answer, scan.warnings


def _plain(answer: Diagnosis | Consensus, notes: tuple[str, ...]) -> dict[str, Any]:
    """Return an answer as values that JSON can hold."""
    plain = {
        "headline": headline(answer),
        **reliability_values(answer, notes),
        "label": answer.label,
        "probabilities": answer.probabilities,
        "model": answer.model,
        "explained": answer.explained,
        "method": answer.method,
        "layer": layer_name(answer.stage),
        "seconds": answer.seconds,
    }
    if isinstance(answer, Consensus):
        plain["spread"], plain["deviation"] = answer.probability_range, answer.deviation
        plain["members"] = [
            {"model": each.model, "probabilities": each.probabilities, **reliability_values(each)}
            for each in answer.members
        ]
    return plain


def _print(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        if "error" in answer:
            NOTES.print(answer["error"], markup=False, soft_wrap=True)
            continue
        decision = f"{_words(answer)} ({answer['seconds']:.2f} s)"
        if answer["in_domain"] is False:
            decision = f"If it were: {decision}"
        for warning in answer["warnings"]:
            if warning not in answer["headline"]:
                NOTES.print(warning, markup=False, soft_wrap=True)
        ANSWERS.print(f"{answer['file']}: {answer['headline']} {decision}", markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _words(answer: dict[str, Any]) -> str:
    if "sentence" in answer:
        return str(answer["sentence"])
    shares = ", ".join(f"{name} {percent(value)}" for name, value in answer["probabilities"].items())
    return f"{answer['label']} ({shares})"
