"""`predict`: diagnose image files with a finished run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.diagnosis.ensemble import Consensus, ask, check_same_classes
from brainseg.diagnosis.methods import DEFAULT, METHODS, layer_name
from brainseg.diagnosis.table import answer_row, answers_csv
from brainseg.diagnosis.words import percent
from brainseg.errors import ConfigError, ScanError
from brainseg.files import write_atomically

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
    as_json: JsonOption = False,
) -> None:
    """Diagnose images; a bad file gets its sentence, the others still get answers."""
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.runs import RunStore

    _one_of("--method", method, METHODS)
    store = RunStore()
    predictors = [Predictor.open(store.bundle(store.get(name))) for name in run]
    check_same_classes([(each.name, each.description.classes) for each in predictors])
    classes = predictors[0].description.classes
    _one_of("--explain", explain, (None, *classes))
    _one_of("--layer", layer, (None, *max((each.stages for each in predictors), key=len)))
    wishes = {"explain": explain, "method": method, "stage": layer}
    rows, answers = [], []
    for file in files:
        answer, more = _answer(predictors, file, _sheet_file(cam, file, len(files)), wishes)
        rows.append(answer_row(str(file), answer))
        answers.append({"file": str(file), **_plain(answer), **more})
    if csv_file:
        table = answers_csv(rows, classes)
        write_atomically(csv_file, lambda temporary: temporary.write_text(table, encoding="utf-8"))
    if as_json:
        print_json(answers)
    else:
        _print(answers)
    if any("error" in answer for answer in answers):
        raise typer.Exit(SOME_FAILED)


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


def _sheet_file(cam: Path | None, file: Path, count: int) -> Path | None:
    if cam is None or count == 1:
        return cam
    return cam.with_name(f"{cam.stem}-{file.stem}{cam.suffix or '.png'}")


def _print(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        if "error" in answer:
            NOTES.print(answer["error"], markup=False, soft_wrap=True)
            continue
        shares = ", ".join(f"{name} {percent(value)}" for name, value in answer["probabilities"].items())
        ANSWERS.print(
            f"{answer['file']}: {answer['label']} ({shares}), {answer['seconds']:.2f} s", markup=False, soft_wrap=True
        )
        for warning in answer.get("warnings", []):
            NOTES.print(warning, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)
