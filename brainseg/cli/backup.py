"""`backup` and `restore`: a whole home in one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.dashboard import treat_sigterm_as_ctrl_c
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json
from brainseg.errors import BrainsegError, ConfigError

if TYPE_CHECKING:
    from brainseg.operations.manifest import Manifest
    from brainseg.runs import Run


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write, such as brainseg.tar.gz.")],
    as_json: JsonOption = False,
) -> None:
    """Write the whole home folder into one file, while trainings and the dashboard go on.

    Only the prepared images, which are made again, are left out. The file holds the key of the patients' hashes and all
    uploaded images: keep it as safe as the home itself.
    """
    from brainseg.operations.backup import back_up

    treat_sigterm_as_ctrl_c()  # which leaves no unfinished archive
    bar, report_progress = counter("Writing bytes")
    with bar:
        manifest = back_up(file, report_progress)
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "size": size, **manifest.to_dict()})
        return
    ANSWERS.print(f"{file} ({size / 1e6:,.1f} MB) holds {_contents(manifest)}.", markup=False, soft_wrap=True)
    for note in _missing(manifest):
        NOTES.print(note, markup=False, soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `brainseg backup` has written.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the present home folder aside instead of refusing to replace it.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read the file and check it; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the home of a backup the home folder, after checking every file in it.

    Runs that were in training when the backup was made are recorded as interrupted, and `resume` continues them. Runs
    that waited wait again.
    """
    treat_sigterm_as_ctrl_c()  # which leaves no unfinished folder
    if check:
        _check(file, replace, as_json)
        return
    from brainseg.operations.restore import restore as put_back

    bar, report_progress = counter("Restoring bytes")
    with bar:
        restored = put_back(file, replace, report_progress)
    interrupted, waiting, fault = _unfinished()
    if as_json:
        earlier = str(restored.earlier) if restored.earlier else None
        ids = {"interrupted": [run.id for run in interrupted], "waiting": [run.id for run in waiting]}
        values = {"home": str(restored.home), "earlier": earlier, **ids, "store_fault": fault or None}
        print_json({**values, "backup": restored.manifest.to_dict()})
        return
    ANSWERS.print(f"{restored.home} holds {_contents(restored.manifest)}.", markup=False, soft_wrap=True)
    notes = _after(restored.earlier, interrupted, waiting) + _missing(restored.manifest)
    for note in [*notes, f"The home is in place, but: {fault}"] if fault else notes:
        NOTES.print(note, markup=False, soft_wrap=True)


def _check(file: Path, replace: bool, as_json: bool) -> None:
    from brainseg.operations.restore import check_backup

    if replace:
        raise ConfigError("--check writes nothing, so it cannot be combined with --replace: choose one of them.")
    bar, report_progress = counter("Checking bytes")
    with bar:
        manifest = check_backup(file, report_progress)
    if as_json:
        print_json({"file": str(file), **manifest.to_dict()})
    else:
        ANSWERS.print(f"{file} is undamaged and holds {_contents(manifest)}.", markup=False, soft_wrap=True)


def _unfinished() -> tuple[list[Run], list[Run], str]:
    """Open the restored store, and return its runs that were in training, those that wait, and why it cannot be opened.

    The store may be on a server that does not run, or of an older MLflow; the home is in place all the same.
    """
    from brainseg.jobs.queue import reconcile
    from brainseg.runs import RunStore

    try:
        store = RunStore()
        interrupted = reconcile(store)
        return interrupted, [run for run in store.list(["SCHEDULED"]) if store.owns(run)], ""
    except BrainsegError as error:
        return [], [], str(error)


def _contents(manifest: Manifest) -> str:
    runs = sum(manifest.runs.values())
    parts = [(manifest.files, "file"), (runs, "run"), (manifest.datasets, "dataset"), (manifest.studies, "study")]
    many = {"study": "studies"}
    words = [f"{count:,} {one if count == 1 else many.get(one, f'{one}s')}" for count, one in parts]
    return f"{', '.join(words[:-1])} and {words[-1]}, as of {manifest.created}"


def _missing(manifest: Manifest) -> list[str]:
    """Return what a user may expect in a backup that is not in it."""
    notes = []
    if manifest.store != "home":
        notes.append(
            "The run store that MLFLOW_TRACKING_URI names is not in the backup, nor are files of runs on an MLflow "
            "server: back them up at the same time with their own tools."
        )
    if outside := manifest.datasets_outside:
        notes.append(f"Datasets outside the home folder are not in the backup: {', '.join(outside)}.")
    return notes


def _after(earlier: Path | None, interrupted: list[Run], waiting: list[Run]) -> list[str]:
    notes = []
    if earlier:
        notes.append(f"The earlier home is {earlier} now: delete it when you no longer need it.")
    if interrupted:
        names = ", ".join(run.name for run in interrupted)
        notes.append(f"Under way when the backup was made, and now FAILED: {names}. `resume` continues them.")
    if waiting:
        notes.append(f"{', '.join(run.name for run in waiting)} wait in the queue: `worker` trains them.")
    return notes
