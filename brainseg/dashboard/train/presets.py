"""What a preset is for, as its file says at the top."""

from __future__ import annotations

import re
from importlib import resources


def preset_notes(name: str) -> dict[str, str]:
    """Return what stands above a preset's settings by its heading: what it is, what it costs, what it is not for."""
    text = (resources.files("brainseg") / "presets" / f"{name}.yaml").read_text("utf-8")
    notes: dict[str, str] = {}
    heading = ""
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        said = line.lstrip("# ").strip()
        if found := re.match(r"(What|Cost|Not for): (.*)", said):
            heading, said = found.groups()
        if heading:
            notes[heading] = f"{notes.get(heading, '')} {said}".strip()
    return notes
