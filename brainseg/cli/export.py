"""`export`: a run's model for other runtimes, or its bundle, plots and predictions as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, counter, print_json
from brainseg.cli.outputs import same_place
from brainseg.cli.prediction import check_choice
from brainseg.errors import ConfigError, RunError
from brainseg.files import write_atomically
from brainseg.models.export.names import FORMATS, Format, computed_with

if TYPE_CHECKING:
    from brainseg.results.model_export import ModelExport
    from brainseg.runs import Run

ENDINGS = {"onnx": ".onnx", "openvino": ".xml"}
"""Format -> the ending of the file that a runtime opens."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    run: RunArgument,
    model_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"Export the model as {' or '.join(FORMATS)}, compare it with torch on the validation set, and store "
            "both with the run: Diagnose and `predict` use it if it is faster.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="With --format: a copy of the exported file (.onnx, or .xml with a .bin beside it), with what was "
            "found in a .json beside it."
        ),
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Zip file to write the model's bundle into.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Zip file to write the plots into.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="CSV file to write the predictions into.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Export a run's model for OpenVINO or ONNX Runtime, or write its bundle, plots or predictions into files."""
    from brainseg.results.exports import bundle_zip, predictions_file
    from brainseg.results.run_plots import plots_zip
    from brainseg.runs import RunStore

    check_choice("--format", model_format, (None, *FORMATS))
    exports = ((bundle, bundle_zip), (figures, plots_zip), (predictions, predictions_file))
    wanted = [(file, make) for file, make in exports if file]
    _check(model_format, out, [file for file, _ in wanted])
    store = RunStore()
    found = store.get(run)
    if found.kind == "crossval":
        from brainseg.results.crossval.reading import complete_result

        complete_result(store, found)
    for file, make in wanted:
        _write(file, make(store, found))
    written = ", ".join(str(file) for file, _ in wanted)
    if not model_format:
        if as_json:
            print_json(found.to_dict())
        else:
            ANSWERS.print(f"{found.name} ({found.id[:8]}): {written}", markup=False, soft_wrap=True)
        return
    if found.members:
        members = ", ".join(member.name for member in found.members)
        raise RunError(f"Run {found.name!r} is an ensemble, whose models are exported one by one: {members}.")
    from brainseg.results.model_export import export_run, write_export

    bar, progress = counter("Comparing with torch")
    with bar:
        made = export_run(store, found, cast("Format", model_format), progress)
    if out:
        write_export(made, out)
    if as_json:
        print_json({**found.to_dict(), "export": {**made.to_dict(), "out": str(out) if out else None}})
    else:
        _print(found, made)


def _check(model_format: str | None, out: Path | None, files: list[Path]) -> None:
    if out and not model_format:
        raise ConfigError("--out is for --format, which is missing: give onnx or openvino.")
    if out and model_format and out.suffix != ENDINGS[model_format]:
        raise ConfigError(f"--out must end in {ENDINGS[model_format]} for this --format, not {out.name}.")
    if not files and not model_format:
        raise RunError("Nothing to export: give --format, or --bundle, --figures or --predictions with a file.")
    files = [*files, *([out] if out else [])]
    if len({same_place(file) for file in files}) < len(files):
        raise RunError("Two of the files to write are the same: give them different names.")


def _print(run: Run, made: ModelExport) -> None:
    ANSWERS.print(f"{run.name} ({run.id[:8]}): {made.files[0]}", markup=False, soft_wrap=True)
    for check in made.record.checks:
        found = check.comparison
        passed = "passed" if found.passes(check.precision) else "not used, since it differs too much from torch"
        guard = (
            "" if found.distance_difference is None else f", of the guard's distance {found.distance_difference:.1e}"
        )
        ANSWERS.print(
            f"  {computed_with(check.backend, check.precision)}: largest difference of a probability "
            f"{found.largest_difference:.1e}{guard}, {found.decisions_changed} of {found.images} decisions changed: "
            f"{passed}. {1000 * check.seconds:.1f} ms for the network alone, torch in fp32 "
            f"{1000 * check.torch_seconds:.1f} ms.",
            markup=False,
            soft_wrap=True,
        )
    ANSWERS.print(f"Diagnose and predict answer with {computed_with(*made.answers)} on this machine.")


def _write(file: Path, data: bytes) -> None:
    write_atomically(file, lambda temporary: temporary.write_bytes(data))
