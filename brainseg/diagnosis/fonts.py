"""The fonts for text in images and reports: those that come with matplotlib."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def font_file(name: str) -> Path:
    """Return the file of a font of matplotlib, which is not imported for it.

    >>> font_file("DejaVuSans").is_file()
    True
    """
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("matplotlib, whose fonts are drawn with, is not installed", name="matplotlib")
    return Path(package.origin).with_name("mpl-data") / "fonts" / "ttf" / f"{name}.ttf"
