"""Where commands write: no file replaces that of another answer or run, or an image that is read."""

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
"""Says whose files a folder holds."""

_PLOTS = {".html", ".png"}
_OWNED = "The files in this folder are of run "


def image_outputs(file: Path | None, sources: Sequence[Path]) -> list[Path | None]:
    """Return where the picture of each of several files goes: beside `file`, with the names of their sources.

    Sources of one name get their folders' names too, and numbers where that does not help. Names that differ in the
    case of letters alone are one file on many disks, and count as equal.
    """
    if file is None or len(sources) < 2:
        return [file] * len(sources)
    often = Counter(_same(source.stem) for source in sources)
    names: dict[str, Path] = {}
    for source in sources:
        base = source.stem if often[_same(source.stem)] == 1 else f"{source.absolute().parent.name}-{source.stem}"
        name, number = base, 1
        while _same(name) in names:
            number += 1
            name = f"{base}-{number}"
        names[_same(name)] = file.with_name(f"{file.stem}-{name}{file.suffix or '.png'}")
    return list(names.values())


def refuse_overwriting(written: Mapping[str, Sequence[Path | None]], read: Sequence[Path]) -> None:
    """Refuse outputs that would replace each other or an image.

    Args:
        written: Option -> the files that it writes.
        read: The images.

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
    """Return where the files of a run go whose names are those of every other run's files, and make that folder.

    A note in a folder says whose files it holds. The first run takes the folder itself, and finds it again; another
    run gets a folder of its own inside, and so does a run where plots lie without a note.

    Args:
        folder: The one that the user named.
        run_id: Of the run.
        name: Of its own folder, where it needs one: one that no other run has.

    Raises:
        ConfigError: The folder cannot be made.
        DiskError: The disk is full.
    """
    with full_disk_as_disk_error(folder):
        try:
            return folder if _signed(folder, run_id) else _made(folder / name)
        except OSError as error:
            if isinstance(error, FileExistsError | NotADirectoryError | PermissionError):
                raise ConfigError(f"{folder} cannot be a folder for files ({error.strerror}): name another.") from error
            raise


def new_folder(folder: Path, name: str) -> Path:
    """Make a folder that was not there before: of this name, or of the same with the first number that is free."""
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
    """Say whether a folder is a run's: its note says so, or it held no plots and no note and has one from now on."""
    note = _made(folder) / OWNER
    if not any(item.suffix in _PLOTS for item in folder.iterdir()):
        with contextlib.suppress(FileExistsError), note.open("x", encoding="utf-8") as stream:  # one of two gets it
            stream.write(f"{_OWNED}{run_id}\n")
    try:
        return note.read_text("utf-8").strip() == f"{_OWNED}{run_id}"
    except (OSError, UnicodeDecodeError):
        return False


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def same_place(file: Path) -> str:
    """Return what is equal for two paths of one file; links and disks that ignore the case of letters count."""
    return _same(os.path.realpath(file))


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
