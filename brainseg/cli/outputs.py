"""Where `predict` writes: a file for each answer, none of which replaces another or an image that is read."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from brainseg.errors import ConfigError


def picture_files(file: Path | None, sources: Sequence[Path]) -> list[Path | None]:
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
    images = {_place(file) for file in read}
    taken: dict[str, str] = {}
    for option, files in written.items():
        for file in filter(None, files):
            if _place(file) in images:
                raise ConfigError(f"{option} would replace the image {file}: give it another name.")
            if other := taken.get(_place(file)):
                raise ConfigError(f"{other} and {option} would both write {file}: give them different names.")
            taken[_place(file)] = option


def _place(file: Path) -> str:
    return _same(os.path.realpath(file))


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
