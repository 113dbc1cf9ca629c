"""What a launcher hands over to the process that trains a run, perhaps on another machine.

The process gets a short command. What may be secret, such as the password of a run store, is in a file of the run's
workspace that only its owner can read, and not in the command, which other users of a machine see.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.files import write_atomically
from brainseg.jobs.workspace import HANDOVER, Workspace, child_environment

_CARRIED = ("BRAINSEG_", "MLFLOW_")
_SIGN_IN = "BRAINSEG_OIDC_"
"""How people sign in to the dashboard is no business of a training."""


@dataclass(frozen=True)
class Handover:
    """What starts the training of one run.

    Attributes:
        arguments: Of the Python interpreter.
        python_path: What `PYTHONPATH` must be, so that it finds brainseg in a checkout; "" for an installed one.
    """

    arguments: tuple[str, ...]
    python_path: str


def hand_over(run_id: str) -> Handover:
    """Write the environment of this process into the workspace of a run, and return what starts its training."""
    environment = child_environment()
    workspace = Workspace(run_id)
    workspace.make()
    wanted = (name for name in environment if name.startswith(_CARRIED) and not name.startswith(_SIGN_IN))
    text = json.dumps({name: environment[name] for name in wanted})
    write_atomically(workspace.handover, lambda file: file.write_text(text, "utf-8"), mode=0o600)
    return Handover(("-m", "brainseg.jobs.launched", str(paths.home()), run_id), python_path(environment))


def python_path(environment: dict[str, str] | None = None) -> str:
    """Return what `PYTHONPATH` must be for a process that imports brainseg; "" if it needs none."""
    return "" if paths.installed() else (environment or child_environment())["PYTHONPATH"]


def handed_over(home: str, run_id: str) -> Path:
    """Return the file that `hand_over` wrote, for a process that has not opened the home yet."""
    return Path(home) / "work" / run_id / HANDOVER


def cpus(config: RunConfig) -> int:
    """Return how many processors a run is given: as many as it has threads, or 1 if that is left open."""
    return config.compute.threads or 1
