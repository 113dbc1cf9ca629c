"""The run store: MLflow, with SQLite under the home folder unless `MLFLOW_TRACKING_URI` names another.

A run's status in the store is the queue: SCHEDULED, RUNNING, FINISHED, FAILED or KILLED.
"""

from __future__ import annotations

import logging
import os

# No telemetry is sent without the user's knowledge; MLflow reads this variable when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
# By default, MLflow waits minutes for a silent server, which looks like a hang.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # it would stand between the lines of `--json`
# Unless told otherwise, MLflow's client fetches files directly from a bucket that the server names, which is often
# reached by the server alone; the attempt takes minutes and has no other way to the file.
for _way in ("UPLOAD", "DOWNLOAD"):
    os.environ.setdefault(f"MLFLOW_ENABLE_PROXY_MULTIPART_{_way}", "false")
logging.getLogger("alembic").setLevel(logging.WARNING)

from brainseg.runs.connection import EXPERIMENT  # noqa: E402
from brainseg.runs.run import ENDED, FINAL, STATUSES, Run, UnreadableRun  # noqa: E402
from brainseg.runs.run_end import EndKind, RunEnd  # noqa: E402
from brainseg.runs.run_summary import Kind  # noqa: E402
from brainseg.runs.store import RunStore  # noqa: E402

__all__ = [
    "ENDED",
    "EXPERIMENT",
    "FINAL",
    "STATUSES",
    "EndKind",
    "Kind",
    "Run",
    "RunEnd",
    "RunStore",
    "UnreadableRun",
]
