"""`doctor --upgrade-store`: upgrade a run store that an older MLflow made."""

from __future__ import annotations

import os

from brainseg import paths
from brainseg.cli.output import ANSWERS, print_json
from brainseg.errors import RunError

_SERVED = (
    "An MLflow server has the run store: run this command where that server runs, with MLFLOW_TRACKING_URI set to the "
    "address of its database."
)


def upgrade_store(as_json: bool) -> None:
    """Copy and then upgrade the run store, and print where both are.

    Raises:
        RunError: The store is behind an MLflow server, a program uses it, or MLflow cannot upgrade it.
        StoreError: Its database server does not answer, or refuses to.
    """
    from brainseg.jobs.workers import worker_lives
    from brainseg.runs.opening import file_of, private_uri
    from brainseg.runs.schema import upgrade
    from brainseg.runs.served_files import is_served
    from brainseg.runs.server_upgrade import upgrade_server

    uri = os.environ.get("MLFLOW_TRACKING_URI") or private_uri(paths.home())
    if is_served(uri):
        raise RunError(_SERVED)
    if any(worker_lives(device) for device in ("cpu", "cuda")):
        raise RunError("A worker uses the run store: wait until it ends, or cancel its runs and stop it first.")
    if uri.startswith("sqlite:"):
        store, copy = str(file_of(uri)), str(upgrade(file_of(uri)) or "")
    else:  # its address may hold a password
        store, copy = "the database that MLFLOW_TRACKING_URI names", upgrade_server(uri) or ""
    if as_json:
        print_json({"store": store, "copy": copy or None})
    else:
        answer = f"Upgraded {store}. A copy of the old store is {copy}." if copy else "The store is up to date."
        ANSWERS.print(answer, markup=False, soft_wrap=True)
