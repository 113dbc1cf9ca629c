"""`data phantom` and `data inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from brainseg.cli.output import ANSWERS, counter, print_json

app = typer.Typer(help="Make the phantom set, or look into a dataset.", no_args_is_help=True)


@app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="Folder to write; it must be new or empty.")],
    n: Annotated[int, typer.Option(help="Number of slices.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    size: Annotated[int, typer.Option(help="Side of a slice, in pixels.")] = 256,
    plane: Annotated[str, typer.Option(help="axial, coronal, sagittal or mixed.")] = "axial",
    volumes: Annotated[bool, typer.Option(help="Also write one subject's NIfTI volumes with their mask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Make synthetic brain MRI slices with and without tumours from the MNI152 templates."""
    from brainseg.datasets.phantom import write_phantom

    bar, tell = counter("Drawing slices")
    with bar:
        made = write_phantom(out, n, seed, size=size, plane=plane, volumes=volumes, progress=tell)
    if as_json:
        print_json({**vars(made), "folder": str(made.folder)})
        return
    ANSWERS.print(
        f"{made.slices} synthetic slices of {made.subjects} subjects, {made.tumour_slices} with tumour: {made.folder}",
        soft_wrap=True,
    )


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="Folder of class folders, or a CSV manifest.")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Count classes, sizes, modes, unreadable files and copies of a dataset."""
    from brainseg.datasets.report import dataset_report
    from brainseg.datasets.sources import open_dataset

    bar, tell = counter("Reading images")
    with bar:
        report = dataset_report(open_dataset(path, tell))
    print_json(report) if as_json else _print_report(report)


def _print_report(report: dict[str, Any]) -> None:
    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{name} {count}" for name, count in counts.items())

    def spread(side: str) -> str:
        return " to ".join(str(value) for value in report["sizes"][side]) or "nothing"

    copies = report["duplicates"]
    lines = [
        f"{report['path']}: {report['images']} images",
        f"Classes: {listed(report['classes'])}",
        f"Modes: {listed(report['modes'])}; formats: {listed(report['formats'])}",
        f"Sizes: {report['sizes']['distinct']} different, {spread('width')} wide, {spread('height')} high (pixels)",
        f"Copies: {copies['groups']} groups of byte-identical files with {copies['surplus']} surplus copies, "
        f"{copies['across_labels']} of them with different labels",
    ]
    if report["splits"]:
        lines.append(f"Given split: {listed(report['splits'])}")
    lines += [
        f"LEAK: {pair['files']} of {pair['total']} {pair['of']} files are byte-identical to a {pair['among']} file "
        f"({listed(pair['labels'])})"
        for pair in copies["across_splits"]
        if pair["files"] and pair["of"] != "train"
    ]
    lines += [f"Wrong extension: {path}" for path in report["wrong_extension"]]
    lines += [f"Warning: {entry['path']}: {entry['warning']}" for entry in report["warnings"]]
    lines += [f"Unreadable: {entry['reason']}" for entry in report["unreadable"]]
    if report["ignored"]:
        more = f" and {len(report['ignored']) - 10} more" if len(report["ignored"]) > 10 else ""
        lines.append(f"Ignored, being no images in a class folder: {', '.join(report['ignored'][:10])}{more}")
    for line in lines:
        ANSWERS.print(line, markup=False, soft_wrap=True)
