"""Where things are written: everything below one folder, the home, which `BRAINSEG_HOME` moves."""

from __future__ import annotations

import os
import site
from pathlib import Path

import platformdirs

from brainseg.errors import ConfigError

_kept: dict[Path, tuple[int, int, int]] = {}
"""Folder of the home that this process stays with -> its device and number on it, and an open handle of it."""

SOURCE = Path(__file__).resolve().parent.parent
"""The folder that holds the package: a checkout's root, or site-packages where brainseg is installed."""


def installed() -> bool:
    """Return whether this brainseg lies among Python's installed packages, where every Python process finds it."""
    return any(Path(folder).resolve() == SOURCE for folder in (*site.getsitepackages(), site.getusersitepackages()))


def default_home() -> Path:
    """Return the home where `BRAINSEG_HOME` is not set: `artifacts` in a checkout, else the user's data folder."""
    if (SOURCE / "pyproject.toml").is_file() and (SOURCE / "artifacts").is_dir():
        return SOURCE / "artifacts"
    return Path(platformdirs.user_data_dir("brainseg", appauthor=False))


def home() -> Path:
    """Return the folder for everything that brainseg writes, made if need be.

    Raises:
        ConfigError: The folder cannot be made or written to.
    """
    refuse_if_moved()
    folder = _made(_named())
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"The folder {folder} is read-only: set BRAINSEG_HOME to one that you may write to.")
    return folder


def stay() -> None:
    """Bind this process to its home: if that is moved away meanwhile, nothing is written into a new one in its place.

    For processes that run for long on one home, as workers and trainers do.
    """
    folder = home()
    if folder not in _kept:
        handle = os.open(folder, os.O_RDONLY)
        state = os.fstat(handle)
        _kept[folder] = (state.st_dev, state.st_ino, handle)


def refuse_if_moved() -> None:
    """Refuse to go on if the home that this process stays with has been moved away or removed.

    Raises:
        ConfigError: It has.
    """
    if said := moved():
        raise ConfigError(said)


def moved() -> str:
    """Return the sentence for a home that this process stays with, if it is no longer in its folder; else ""."""
    if not _kept or (folder := _named()) not in _kept:
        return ""
    device, number, _ = _kept[folder]
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) == (device, number):
            return ""
    except OSError:
        pass
    return (
        f"The home folder {folder} was moved or removed while it was in use, so the work in it stopped: go on with "
        "BRAINSEG_HOME set to where it is now."
    )


def follow() -> bool:
    """Open the home that was moved away from this process where it is now, and say whether that can be found out."""
    device, number, handle = _kept[_named()]
    try:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        state = place.stat()
    except OSError:  # it was removed, or the system is no Linux
        return False
    if (state.st_dev, state.st_ino) != (device, number):
        return False
    os.environ["BRAINSEG_HOME"] = str(place)
    return True


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


def _named() -> Path:
    """Return the folder that is to be the home, whether or not it is there."""
    folder = Path(os.environ.get("BRAINSEG_HOME") or default_home())
    try:
        return folder.expanduser().resolve()
    except (OSError, RuntimeError):  # `_made` reports it
        return folder


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
