"""`data cut`: cut volumes into a dataset of slices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json
from brainseg.errors import ConfigError


def cut(
    path: Annotated[Path, typer.Argument(help="Folder of volumes: BraTS, Decathlon, nnU-Net, BIDS, DICOM or others.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the dataset, new or empty. Default: the home folder, and the list of datasets."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name in the list; by default that of the folder.")] = None,
    plane: Annotated[str, typer.Option(help="axial, coronal or sagittal.")] = "axial",
    sequence: Annotated[
        list[str] | None,
        typer.Option(help="T1, T1ce, T2 or FLAIR; repeat for several. Each study must have them. Default: all."),
    ] = None,
    every: Annotated[int, typer.Option(help="Take each so-many-th slice.")] = 1,
    masks: Annotated[
        str, typer.Option(help="Pattern for the masks' paths, such as '*/fusion/simple.nii.gz', if names do not tell.")
    ] = "",
    class_folders: Annotated[
        bool, typer.Option("--class-folders", help="The folders directly below are classes; masks are not needed.")
    ] = False,
    keep_names: Annotated[
        bool,
        typer.Option("--keep-names", help="Keep the names of files and patients (public sets). Default: numbers."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Cut volumes with masks into a dataset of slices, to train on."""
    from brainseg.datasets.volumes.adding import add_volumes
    from brainseg.datasets.volumes.settings import CutSettings
    from brainseg.datasets.volumes.writing import cut_volumes

    if out and name:
        raise ConfigError("--name is for the list, and --out for a folder of your own: leave one of them out.")
    bar, progress = counter("Cutting studies")
    settings = CutSettings(plane, tuple(sequence or ()), every, masks, class_folders, keep_names)
    with bar:
        made = cut_volumes(path, out, settings, progress) if out else add_volumes(path, name, settings, progress)[1]
    if as_json:
        print_json({**vars(made), "folder": str(made.folder)})
        return
    for note in made.notes:
        NOTES.print(note, markup=False, soft_wrap=True)
    ANSWERS.print(
        f"{made.folder}: slices {made.slices:,}, of these with marks {made.marked:,}; images {made.images:,}; studies "
        f"{made.studies:,}; patients {made.patients:,}",
        markup=False,
        soft_wrap=True,
    )
