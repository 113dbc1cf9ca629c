"""Which home the runs of a shared store belong to when homes are moved or copied.

A run names its home by its folder and by an id, which lies in that folder and moves with it. A home that finds itself
in another folder than last time was moved if its old folder does not hold it any more: it takes its runs along. If the
old folder still holds it, or was on another machine, where nobody can look, it is a copy: it gets an id of its own, and
the runs stay with the original. Of several copies of a home that is gone, the first that is opened takes the runs.
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
    """What a home knows of itself.

    Attributes:
        id: 32 hexadecimal digits.
        path: The folder that it was in when it was opened last with a shared store.
        machine: The machine that this was on.
    """

    id: str
    path: str
    machine: str


def identify(home: Path) -> Identity:
    """Return the identity of a home, which is made and kept at the first call; a copy gets one of its own.

    Args:
        home: The folder that is open.

    Returns:
        Its identity. Its `path` is another than `home` if the home was moved: call `settle` when its runs have moved
        too.
    """
    known, here = _read(home), Identity(uuid.uuid4().hex, str(home), _machine())
    if known and (known.path == here.path or _was_moved(known, home)):
        return known
    return settle(home, here)


def settle(home: Path, identity: Identity) -> Identity:
    """Keep an identity with the folder that its home is in now."""
    settled = Identity(identity.id, str(home), _machine())
    write_json(home / FILE, asdict(settled))
    return settled


def holds_a_home(folder: Path) -> bool:
    """Say whether a folder holds a home that has an identity."""
    return _read(folder) is not None


def _was_moved(known: Identity, home: Path) -> bool:
    there = _read(Path(known.path))
    if there and there.id == known.id:
        return (Path(known.path) / FILE).samefile(home / FILE)  # one folder by two names
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
