"""`predict`: diagnose image files with a finished run."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.diagnosis.words import percent
from brainseg.errors import ScanError
from brainseg.files import write_atomically

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor

SOME_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    files: Annotated[list[Path], typer.Argument(help="Images: PNG, JPEG, BMP, TIFF or GIF.")],
    run: Annotated[str, typer.Option(help="Id, start of the id, or name of a finished run.")],
    cam: Annotated[
        Path | None,
        typer.Option(help="PNG to draw scan and heatmap into; with several files, one PNG each beside it."),
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="CSV to write the answers into.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Diagnose images; a bad file gets its sentence, the others still get answers."""
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.runs import RunStore

    store = RunStore()
    predictor = Predictor.open(store.bundle(store.get(run)))
    answers = [_answer(predictor, file, _sheet_file(cam, file, len(files))) for file in files]
    if csv_file:
        _write_csv(csv_file, answers, predictor.description.classes)
    if as_json:
        print_json(answers)
    else:
        _print(answers)
    if any("error" in answer for answer in answers):
        raise typer.Exit(SOME_FAILED)


def _answer(predictor: Predictor, file: Path, sheet: Path | None) -> dict[str, Any]:
    from brainseg.diagnosis.picture import diagnosis_sheet, save_png
    from brainseg.scans import read_scan

    try:
        scan = read_scan(file)
    except ScanError as error:
        return {"file": str(file), "error": str(error)}
    diagnosis = predictor.diagnose(scan)
    if sheet:
        save_png(diagnosis_sheet(scan.pixels, scan.name, diagnosis), sheet)
    return {
        "file": str(file),
        "label": diagnosis.label,
        "probabilities": diagnosis.probabilities,
        "model": diagnosis.model,
        "seconds": diagnosis.seconds,
        **({"warnings": list(scan.warnings)} if scan.warnings else {}),
        **({"cam": str(sheet)} if sheet else {}),
    }


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


def _write_csv(file: Path, answers: list[dict[str, Any]], classes: tuple[str, ...]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "label", *(f"p_{name}" for name in classes), "model", "seconds", "error", "disclaimer"])
    for answer in answers:
        shares = answer.get("probabilities", {})
        writer.writerow(
            [
                answer["file"],
                answer.get("label", ""),
                *(shares.get(name, "") for name in classes),
                answer.get("model", ""),
                answer.get("seconds", ""),
                answer.get("error", ""),
                DISCLAIMER,
            ]
        )
    write_atomically(file, lambda temporary: temporary.write_text(stream.getvalue(), encoding="utf-8"))
