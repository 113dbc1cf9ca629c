"""The program: all commands, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import typer

from brainseg import DISCLAIMER, extras, logs, paths
from brainseg.cli import (
    calibrate,
    compare,
    crossval,
    dashboard,
    data,
    decide,
    demo,
    doctor,
    ensemble,
    heatmaps,
    jobs,
    labels,
    leaks,
    manage,
    monitor,
    predict,
    read,
    robustness,
    scan,
    search,
    subsets,
    threshold,
    training,
    uncertainty,
)
from brainseg.errors import BrainsegError, DiskError
from brainseg.files import full_disk_as_disk_error

USER_ERROR = 2

app = typer.Typer(
    help=f"Train, evaluate and try ResNet models on brain MRI. {DISCLAIMER}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
decide.register(data.app)
app.add_typer(data.app, name="data")
app.add_typer(scan.app, name="scan")
app.add_typer(read.app, name="read")
for module in (
    doctor,
    demo,
    dashboard,
    training,
    crossval,
    search,
    ensemble,
    jobs,
    manage,
    compare,
    leaks,
    labels,
    subsets,
    predict,
    heatmaps,
    calibrate,
    robustness,
    threshold,
    monitor,
    uncertainty,
):
    module.register(app)


def main() -> None:
    """Run the program.

    An error that the user can fix ends in one sentence on stderr and exit code 2. A fault of brainseg itself also ends
    in a sentence; its traceback goes to a file.
    """
    try:
        logs.configure()
        app()
    except BrainsegError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(USER_ERROR)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("brainseg"):
            raise
        sys.stderr.write(f"{error.name} is not installed: {extras.remedy(error.name)}\n")
        sys.exit(USER_ERROR)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # an output file that the user named, or a full disk
        sys.stderr.write(f"{_unwritable(error)}\n")
        sys.exit(USER_ERROR)
    except Exception as error:  # users should not have to read a traceback
        sys.stderr.write(
            f"Something broke inside brainseg ({type(error).__name__}: {error}). Details are in {_write_details()}.\n"
        )
        sys.exit(1)


def _unwritable(error: OSError) -> str:
    place = Path(error.filename) if error.filename else paths.home()
    try:
        with full_disk_as_disk_error(place):
            raise error
    except DiskError as full:
        return str(full)
    except OSError:
        return f"{error.filename or 'A file'} cannot be read or written ({error.strerror}): name another place."


def _write_details() -> str:
    file = paths.home() / "crash.log"
    file.write_text(traceback.format_exc(), encoding="utf-8")
    return str(file)
