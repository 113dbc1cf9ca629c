"""Output files of commands: none overwrites the file of another answer or run, or an input image."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from brainseg.errors import ConfigError
from brainseg.files import full_disk_as_disk_error

OWNER = "run.txt"
"""Name of the file in a folder that names the run its plots are from."""

_PLOTS = {".html", ".png"}
_OWNED = "The files in this folder are of run "


def image_outputs(file: Path | None, sources: Sequence[Path]) -> list[Path | None]:
    """Return the output image for each of several input images: beside `file`, with the input's name added.

    If inputs have the same name, the name of their folder is added too, and then a number if needed. Names that differ
    only in upper and lower case count as equal, since many disks store them as one file.
    """
    if file is None or len(sources) < 2:
        return [file] * len(sources)
    counts = Counter(_same(source.stem) for source in sources)
    names: dict[str, Path] = {}
    for source in sources:
        base = source.stem if counts[_same(source.stem)] == 1 else f"{source.absolute().parent.name}-{source.stem}"
        name, number = base, 1
        while _same(name) in names:
            number += 1
            name = f"{base}-{number}"
        names[_same(name)] = file.with_name(f"{file.stem}-{name}{file.suffix or '.png'}")
    return list(names.values())


def refuse_overwriting(written: Mapping[str, Sequence[Path | None]], read: Sequence[Path]) -> None:
    """Refuse outputs that would overwrite each other or an input image.

    Args:
        written: Option -> the files that it writes.
        read: The input images.

    Raises:
        ConfigError: Names the option and the file.
    """
    images = {same_place(file) for file in read}
    taken: dict[str, str] = {}
    for option, files in written.items():
        for file in filter(None, files):
            if same_place(file) in images:
                raise ConfigError(f"{option} would replace the image {file}: give it another name.")
            if other := taken.get(same_place(file)):
                raise ConfigError(f"{other} and {option} would both write {file}: give them different names.")
            taken[same_place(file)] = option


def folder_of_run(folder: Path, run_id: str, name: str) -> Path:
    """Return the folder for a run's plots, and make it.

    The plots of all runs have the same names. The first run uses the folder itself, and a note in it names this run.
    Every other run gets a separate folder inside. So does any run if the folder holds plots but no note.

    Args:
        folder: The folder that the user named.
        run_id: Id of the run.
        name: Name of the separate folder, which must be unique to the run.

    Raises:
        ConfigError: The folder cannot be made.
        DiskError: The disk is full.
    """
    with full_disk_as_disk_error(folder):
        try:
            return folder if _signed(folder, run_id) else _made(folder / name)
        except OSError as error:
            if isinstance(error, FileExistsError | NotADirectoryError | PermissionError):
                raise ConfigError(f"{folder} cannot be used as a folder ({error.strerror}): name another.") from error
            raise


def new_folder(folder: Path, name: str) -> Path:
    """Make a new folder with this name; if it exists, with the first free number added."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted, number = name, 1
    while True:
        try:
            (folder / wanted).mkdir()
        except FileExistsError:
            number += 1
            wanted = f"{name}-{number}"
        else:
            return folder / wanted


def _signed(folder: Path, run_id: str) -> bool:
    """Return whether a folder is a run's, by its note; write the note if the folder has no note and no plots."""
    note = _made(folder) / OWNER
    if not any(item.suffix in _PLOTS for item in folder.iterdir()):
        with (
            contextlib.suppress(FileExistsError),
            note.open("x", encoding="utf-8") as stream,
        ):  # only one process succeeds
            stream.write(f"{_OWNED}{run_id}\n")
    try:
        return note.read_text("utf-8").strip() == f"{_OWNED}{run_id}"
    except (OSError, UnicodeDecodeError):
        return False


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def same_place(file: Path) -> str:
    """Return a text that is equal for two paths of one file, also through links or upper and lower case."""
    return _same(os.path.realpath(file))


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
