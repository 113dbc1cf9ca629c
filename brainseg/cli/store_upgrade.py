"""`doctor --upgrade-store`: upgrade a run store that an older MLflow made."""

from __future__ import annotations

import os

from brainseg import paths
from brainseg.cli.output import ANSWERS, print_json
from brainseg.errors import RunError


def upgrade_store(as_json: bool) -> None:
    """Copy and then upgrade the run store, and print where both are.

    Raises:
        RunError: The store is on a server, a worker uses it, or MLflow cannot upgrade it.
    """
    from brainseg.jobs.workers import worker_lives
    from brainseg.runs.opening import file_of, private_uri
    from brainseg.runs.schema import upgrade

    uri = os.environ.get("MLFLOW_TRACKING_URI") or private_uri(paths.home())
    if not uri.startswith("sqlite:"):
        raise RunError(
            "The store that MLFLOW_TRACKING_URI names is not a file on this machine: copy it with its own tools, then "
            "run `mlflow db upgrade`."
        )
    if any(worker_lives(device) for device in ("cpu", "cuda")):
        raise RunError("A worker uses the run store: wait until it ends, or cancel its runs and stop it first.")
    file = file_of(uri)
    copy = upgrade(file)
    if as_json:
        print_json({"store": str(file), "copy": str(copy) if copy else None})
    else:
        answer = f"Upgraded {file}. A copy of the old store is {copy}." if copy else "The store is up to date."
        ANSWERS.print(answer, markup=False, soft_wrap=True)
