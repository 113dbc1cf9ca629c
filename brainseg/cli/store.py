"""`store`: what is done to the run store as a whole."""

from __future__ import annotations

import os

import typer

from brainseg import paths
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, print_json
from brainseg.errors import RunError

app = typer.Typer(help="Look after the run store.", no_args_is_help=True)


@app.callback()
def store() -> None:
    """Look after the run store."""


@app.command()
def upgrade(as_json: JsonOption = False) -> None:
    """Upgrade a run store that an older MLflow made, after making a copy of it."""
    from brainseg.jobs.workers import worker_lives
    from brainseg.runs.opening import file_of, private_uri
    from brainseg.runs.schema import upgrade as change

    uri = os.environ.get("MLFLOW_TRACKING_URI") or private_uri(paths.home())
    if not uri.startswith("sqlite:"):
        raise RunError(
            "The store that MLFLOW_TRACKING_URI names is no file of this machine: make a copy with its own tools, then "
            "run `mlflow db upgrade`."
        )
    if any(worker_lives(device) for device in ("cpu", "cuda")):
        raise RunError("A worker uses the run store: wait for its end, or cancel its runs and stop it first.")
    copy = change(file_of(uri))
    if as_json:
        print_json({"store": str(file_of(uri)), "copy": str(copy) if copy else None})
    else:
        said = f"Upgraded {file_of(uri)}; the store as it was is {copy}." if copy else "The store is up to date."
        ANSWERS.print(said, markup=False, soft_wrap=True)
