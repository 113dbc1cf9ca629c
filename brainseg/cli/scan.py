"""`scan`: what the volumes in a file, a folder or a zip file are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, print_json

if TYPE_CHECKING:
    from brainseg.scans.volumes.inspection import VolumeFacts

UNREADABLE = 2
app = typer.Typer(help="Read scans: DICOM, NIfTI, NRRD, MetaImage and TIFF stacks.", no_args_is_help=True)


@app.callback()
def _scan() -> None:
    """Keep `inspect` a command of its own; typer would merge a single one into `scan`."""


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A file, a folder with any subfolders, or a zip file.")],
    as_json: JsonOption = False,
) -> None:
    """List the volumes: size, voxel size in mm, orientation, sequence and range of values.

    Ends with exit code 2 if none can be read.
    """
    from brainseg import paths
    from brainseg.scans.volumes.inspection import inspect_volumes

    found = list(inspect_volumes(path, paths.secret()))
    if as_json:
        print_json({"volumes": [each.to_dict() for each in found]})
    else:
        for each in found:
            for line in _lines(each):
                ANSWERS.print(line, markup=False, soft_wrap=True)
    if all(each.error for each in found):
        raise typer.Exit(UNREADABLE)


def _lines(volume: VolumeFacts) -> list[str]:
    """Return a volume in words: its name, then one indented line per kind of fact."""
    if volume.error or volume.shape is None:
        return [volume.error or ""]
    size = " x ".join(str(side) for side in volume.shape)
    spacing = "voxel size unknown"
    if volume.spacing_mm:
        spacing = f"voxels of {' x '.join(f'{side:.4g}' for side in volume.spacing_mm)} mm"
    kind = [volume.format or "", volume.modality or "", f"sequence {volume.sequence or 'unknown'}"]
    stored = volume.stored_orientation or "without directions"
    return [
        volume.name,
        f"  {', '.join(part for part in kind if part)}",
        f"  {size} voxels (right, anterior, superior), {spacing}; stored as {stored}"
        if volume.orientation
        else f"  {size} voxels, {spacing}",
        f"  values {volume.minimum:g} to {volume.maximum:g}",
        *(f"  {warning}" for warning in volume.warnings),
    ]


def register(program: typer.Typer) -> None:
    """Add the group of commands."""
    program.add_typer(app, name="scan")
