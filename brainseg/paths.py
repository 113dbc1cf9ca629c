"""Where things are written: everything below one folder, which `BRAINSEG_HOME` moves."""

from __future__ import annotations

import os
from pathlib import Path

from brainseg.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Return the folder for everything that brainseg writes, made if need be.

    Raises:
        ConfigError: The folder cannot be made or written to.
    """
    folder = _made(Path(os.environ.get("BRAINSEG_HOME") or PROJECT_ROOT / "artifacts"))
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"The folder {folder} is read-only: set BRAINSEG_HOME to one that you may write to.")
    return folder


def subfolder(*parts: str) -> Path:
    """Return a folder below `home()`, made if need be.

    Raises:
        ConfigError: The folder cannot be made.
    """
    return _made(home().joinpath(*parts))


def limit(name: str, default: float) -> float:
    """Return a limit that an environment variable may change.

    Args:
        name: Of the variable.
        default: What holds where it is not set.

    Raises:
        ConfigError: It is set, but to no number from 0 on.
    """
    text = os.environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} is {text!r}: set it to a number from 0 on, or leave it out for {default:g}.")
    return value


def is_inside(place: Path, folder: Path) -> bool:
    """Say whether a place lies below a folder once all links are followed: what does not is never deleted."""
    try:
        return place.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False


def _made(folder: Path) -> Path:
    try:
        folder = folder.expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of a user who is not there, or links in a circle
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise ConfigError(
            f"Cannot make the folder {folder} ({reason}): set BRAINSEG_HOME to one that you may write to."
        ) from error
    return folder
