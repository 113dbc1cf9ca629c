"""The home folder, which contains everything that brainseg writes; `BRAINSEG_HOME` sets another one."""

from __future__ import annotations

import os
import site
from pathlib import Path

import platformdirs

from brainseg.errors import ConfigError

_bound_homes: dict[Path, tuple[int, int, int]] = {}
"""Home folder that this process is bound to -> its device number, its inode number and an open file descriptor."""

SOURCE = Path(__file__).resolve().parent.parent
"""The folder that contains the package: the root of a checkout, or site-packages of an installed brainseg."""


def installed() -> bool:
    """Return whether this brainseg is one of Python's installed packages, which every Python process finds."""
    return any(Path(folder).resolve() == SOURCE for folder in (*site.getsitepackages(), site.getusersitepackages()))


def default_home() -> Path:
    """Return the home folder if `BRAINSEG_HOME` is not set: `artifacts` in a checkout, else the user's data folder."""
    if (SOURCE / "pyproject.toml").is_file() and (SOURCE / "artifacts").is_dir():
        return SOURCE / "artifacts"
    return Path(platformdirs.user_data_dir("brainseg", appauthor=False))


def home() -> Path:
    """Return the home folder, which contains everything that brainseg writes; create it if necessary.

    Raises:
        ConfigError: The folder cannot be created or written to.
    """
    refuse_if_moved()
    folder = _make_folder(_home_folder())
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"The folder {folder} is read-only: set BRAINSEG_HOME to a folder that you may write to.")
    return folder


def bind_to_home() -> None:
    """Bind this process to its home folder: if somebody moves the folder, brainseg does not write to a new one.

    For processes that use one home folder for a long time, such as workers and trainers.
    """
    folder = home()
    if folder not in _bound_homes:
        handle = os.open(folder, os.O_RDONLY)
        state = os.fstat(handle)
        _bound_homes[folder] = (state.st_dev, state.st_ino, handle)


def refuse_if_moved() -> None:
    """Raise an error if the home folder that this process is bound to has been moved or removed.

    Raises:
        ConfigError: The folder was moved or removed.
    """
    if message := moved_home_message():
        raise ConfigError(message)


def moved_home_message() -> str:
    """Return an error message if the home folder that this process is bound to was moved or removed; else ""."""
    if not _bound_homes or (folder := _home_folder()) not in _bound_homes:
        return ""
    device, number, _ = _bound_homes[folder]
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) == (device, number):
            return ""
    except OSError:
        pass
    return (
        f"The home folder {folder} was moved or removed while it was in use, so the work in it stopped: set "
        "BRAINSEG_HOME to where it is now, then continue."
    )


def reopen_moved_home() -> bool:
    """Set `BRAINSEG_HOME` to the new place of the moved home folder; return whether that place was found."""
    device, number, handle = _bound_homes[_home_folder()]
    try:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        state = place.stat()
    except OSError:  # it was removed, or the system is not Linux
        return False
    if (state.st_dev, state.st_ino) != (device, number):
        return False
    os.environ["BRAINSEG_HOME"] = str(place)
    return True


def subfolder(*parts: str) -> Path:
    """Return a folder inside `home()`; create it if necessary.

    Raises:
        ConfigError: The folder cannot be created.
    """
    return _make_folder(home().joinpath(*parts))


def place(*parts: str) -> Path:
    """Return a path inside the home folder; unlike `subfolder`, nothing is created."""
    refuse_if_moved()
    return _home_folder().joinpath(*parts)


def secret(name: str = "secret") -> bytes:
    """Return 32 random bytes that only this home folder has; made once, readable by its owner alone.

    Args:
        name: The file that keeps them: `secret` is for the hashes of patients' identifiers.

    Raises:
        ConfigError: The home folder cannot be written to.
    """
    file = home() / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(os.urandom(32))
    except FileExistsError:
        pass
    return file.read_bytes()


def limit(name: str, default: float) -> float:
    """Return a limit that an environment variable may change.

    Args:
        name: Name of the variable.
        default: The limit if it is not set.

    Raises:
        ConfigError: Its value is not a number, or is negative.
    """
    text = os.environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} is {text!r}: set it to 0 or a positive number, or unset it.")
    return value


def optional_limit(name: str) -> float | None:
    """Return a limit that an environment variable may set; None if it is not set.

    Raises:
        ConfigError: Its value is not a number, or is negative.
    """
    return limit(name, 0) if os.environ.get(name, "").strip() else None


def is_inside(place: Path, folder: Path) -> bool:
    """Return whether a path is inside a folder after all links are followed; brainseg deletes nothing else."""
    try:
        return place.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links that form a loop
        return False


def _home_folder() -> Path:
    """Return the path of the home folder, whether or not it exists."""
    folder = Path(os.environ.get("BRAINSEG_HOME") or default_home())
    try:
        return folder.expanduser().resolve()
    except (OSError, RuntimeError):  # `_make_folder` reports it
        return folder


def _make_folder(folder: Path) -> Path:
    try:
        folder = folder.expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of an unknown user, or links that form a loop
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise ConfigError(
            f"Cannot create the folder {folder} ({reason}): set BRAINSEG_HOME to a folder that you may write to."
        ) from error
    return folder
