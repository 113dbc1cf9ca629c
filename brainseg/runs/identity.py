"""Decides to which home the runs of a shared store belong after homes were moved or copied.

A run records its home by folder and by id; the id is stored in the home folder and moves with it. A home that is opened
in a new folder was either moved or copied. If the old folder no longer holds the home, it was moved and keeps its runs.
If the old folder still holds it, or was on another machine and cannot be checked, it is a copy: it gets a new id, and
the runs stay with the original. If the original is gone, the first copy that is opened gets the runs.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from brainseg.files import write_json

FILE = "home.json"
_MACHINE = Path("/etc/machine-id")


@dataclass(frozen=True)
class Identity:
    """The stored identity of a home.

    Attributes:
        id: 32 hexadecimal digits.
        path: The folder of the home when it was last opened with a shared store.
        machine: The machine on which that was.
    """

    id: str
    path: str
    machine: str


def identify(home: Path) -> Identity:
    """Return the identity of a home; a new home or a copy gets a new identity, which is stored.

    Args:
        home: The open home folder.

    Returns:
        The identity. Its `path` differs from `home` if the home was moved: call `save_identity` after its runs have
        been updated.
    """
    known, here = _read(home), Identity(uuid.uuid4().hex, str(home), _machine())
    if known and (known.path == here.path or _was_moved(known, home)):
        return known
    return save_identity(home, here)


def save_identity(home: Path, identity: Identity) -> Identity:
    """Store an identity with the current folder of its home, and return it."""
    saved = Identity(identity.id, str(home), _machine())
    write_json(home / FILE, asdict(saved))
    return saved


def has_identity(folder: Path) -> bool:
    """Return whether a folder holds a home with a stored identity."""
    return _read(folder) is not None


def _was_moved(known: Identity, home: Path) -> bool:
    there = _read(Path(known.path))
    if there and there.id == known.id:
        return (Path(known.path) / FILE).samefile(home / FILE)  # one folder with two names
    return known.machine == _machine()


def _read(home: Path) -> Identity | None:
    try:
        return Identity(**json.loads((home / FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _machine() -> str:
    try:
        return _MACHINE.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return f"{uuid.getnode():012x}"
