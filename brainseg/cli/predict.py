"""`predict`: diagnose image files with a finished run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.cli.segment import Pictures, numbered, segment_files, segments_csv
from brainseg.diagnosis.ensemble import Consensus, ask, check_same_classes
from brainseg.diagnosis.methods import DEFAULT, METHODS, layer_name
from brainseg.diagnosis.table import answer_row, answers_csv
from brainseg.diagnosis.words import percent
from brainseg.errors import ConfigError, ScanError
from brainseg.files import write_atomically
from brainseg.models.description import read_description

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
    method: Annotated[str, typer.Option(help=f"How to draw the heatmap: {', '.join(METHODS)} (slow).")] = DEFAULT,
    layer: Annotated[
        int | None, typer.Option(help="Residual stage of the heatmap, 1 to 4; the last by default.")
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

    _one_of("--method", method, METHODS)
    store = RunStore()
    bundles = [store.bundle(store.get(name)) for name in run]
    tasks = {read_description(bundle).task for bundle in bundles}
    if tasks == {"segment"}:
        _refuse(_given(method=method != DEFAULT, cam=cam, explain=explain, layer=layer), "classifies", "marks tumours")
        answers, table = _segment(bundles, files, Pictures(mask, outlined))
    elif tasks == {"classify"}:
        _refuse(_given(mask=mask, overlay=outlined), "marks tumours", "classifies images")
        answers, table = _classify(bundles, files, cam, {"explain": explain, "method": method, "stage": layer})
    else:
        raise ConfigError("--run names a run that classifies and one that marks tumours: ask one kind at a time.")
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


def _segment(bundles: list[Path], files: list[Path], pictures: Pictures) -> tuple[list[dict[str, Any]], str]:
    from brainseg.diagnosis.segmenter import Segmenter

    if len(bundles) > 1:
        raise ConfigError("--run names several runs that mark tumours, which do not add up to an ensemble: name one.")
    answers = segment_files(Segmenter.open(bundles[0]), files, pictures)
    return answers, segments_csv(answers)


def _classify(
    bundles: list[Path], files: list[Path], cam: Path | None, wishes: dict[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    from brainseg.diagnosis.predictor import Predictor

    predictors = [Predictor.open(bundle) for bundle in bundles]
    check_same_classes([(each.name, each.description.classes) for each in predictors])
    classes = predictors[0].description.classes
    _one_of("--explain", wishes["explain"], (None, *classes))
    _one_of("--layer", wishes["stage"], (None, *max((each.stages for each in predictors), key=len)))
    rows, answers = [], []
    for file in files:
        answer, more = _answer(predictors, file, numbered(cam, file, len(files)), wishes)
        rows.append(answer_row(str(file), answer))
        answers.append({"file": str(file), **_plain(answer), **more})
    return answers, answers_csv(rows, classes)


def _one_of(option: str, value: object, allowed: Collection[object]) -> None:
    if value not in allowed:
        choices = ", ".join(str(each) for each in allowed if each is not None)
        raise ConfigError(f"{option} must be one of {choices}, not {value}.")


def _answer(
    predictors: list[Predictor], file: Path, sheet: Path | None, wishes: dict[str, Any]
) -> tuple[Diagnosis | Consensus | str, dict[str, Any]]:
    """Return the answer, or the sentence that says why there is none, and what else is to be told."""
    from brainseg.diagnosis.picture import diagnosis_sheet, save_png
    from brainseg.scans import read_scan

    try:
        scan = read_scan(file)
    except ScanError as error:
        return str(error), {}
    answer = ask(predictors, scan, **wishes)
    if sheet:
        save_png(diagnosis_sheet(scan.pixels, scan.name, answer), sheet)
    return answer, {
        **({"warnings": list(scan.warnings)} if scan.warnings else {}),
        **({"cam": str(sheet)} if sheet else {}),
    }


def _plain(answer: Diagnosis | Consensus | str) -> dict[str, Any]:
    """Return an answer as values that JSON can hold."""
    if isinstance(answer, str):
        return {"error": answer}
    plain = {
        "label": answer.label,
        "probabilities": answer.probabilities,
        "model": answer.model,
        "explained": answer.explained,
        "method": answer.method,
        "layer": layer_name(answer.stage),
        "seconds": answer.seconds,
    }
    if isinstance(answer, Consensus):
        plain["spread"], plain["deviation"] = answer.spread, answer.deviation
        plain["members"] = [{"model": each.model, "probabilities": each.probabilities} for each in answer.members]
    return plain


def _print(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        if "error" in answer:
            NOTES.print(answer["error"], markup=False, soft_wrap=True)
            continue
        ANSWERS.print(f"{answer['file']}: {_words(answer)} ({answer['seconds']:.2f} s)", markup=False, soft_wrap=True)
        for warning in answer.get("warnings", []):
            NOTES.print(warning, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _words(answer: dict[str, Any]) -> str:
    if "sentence" in answer:
        return answer["sentence"]
    shares = ", ".join(f"{name} {percent(value)}" for name, value in answer["probabilities"].items())
    return f"{answer['label']} ({shares})"
