"""The launcher `ray`: a Ray cluster trains each run where processors or a GPU are free.

A process of its own speaks to the cluster, see `ray_client`: Ray ends a process whose cluster goes down, and the
dashboard or a worker must not end with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brainseg import __version__, extras, paths
from brainseg.config import RunConfig
from brainseg.errors import RunError
from brainseg.jobs.handover import cpus, hand_over, python_path
from brainseg.jobs.ray_client import ACCESS_REFUSED
from brainseg.jobs.workspace import child_environment
from brainseg.models.sources import is_weights_file
from brainseg.runs import Run

TIMEOUT = 120.0
"""Seconds for one request: nodes that were idle take some to start a process."""


class RayCluster:
    """The cluster that `RAY_ADDRESS` names, or else the one of this machine."""

    def check(self, config: RunConfig) -> int:
        """Refuse a cluster that cannot train a run.

        Returns:
            How many such runs it trains at a time if nothing else uses it.

        Raises:
            RunError: It does not answer, its versions differ, it has too few processors, or a node does not see the
                home folder, the dataset or the weights.
            MissingLibraryError: Ray is not installed.
        """
        shared = [paths.home(), Path(config.data.path).resolve()]
        if is_weights_file(config.model.weights):
            shared.append(Path(config.model.weights).resolve())
        answer = _ask(
            {
                "act": "check",
                "paths": [str(path) for path in shared],
                "brainseg": __version__,
                "python_path": python_path(),
                **_needs(config),
            }
        )
        return int(answer["slots"])

    def start(self, runs: Sequence[Run]) -> dict[str, str]:
        """Give each run to the cluster, which starts it once there is room; it needs this process no longer.

        Raises:
            RunError: The cluster does not answer.
            MissingLibraryError: Ray is not installed.
        """
        orders = []
        for run in runs:
            handover = hand_over(run.id)
            orders.append(
                {
                    "name": f"brainseg-{run.id}-{run.queued:.6f}",
                    "arguments": [*handover.arguments, "watch"],
                    "python_path": handover.python_path,
                    **_needs(run.config),
                }
            )
        if orders:
            _ask({"act": "start", "orders": orders})
        return {}


def _needs(config: RunConfig) -> dict[str, Any]:
    return {"cpus": cpus(config), "device": config.compute.device}


def _ask(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of the process that speaks to the cluster.

    Raises:
        RunError: The cluster cannot do what was asked, or does not answer.
        MissingLibraryError: Ray is not installed.
    """
    extras.require("ray", "The launcher ray")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "brainseg.jobs.ray_client"],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=TIMEOUT,
            env=child_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"The Ray cluster did not answer within {TIMEOUT:.0f} seconds: check it with `ray status`, or choose the "
            "launcher local."
        ) from error
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RunError(
            f"The connection to the Ray cluster broke ({said[-1][:300] if said else 'without a message'}): check it "
            "with `ray status`."
        ) from error
    if why := answer.get("error"):
        # Ray writes this into its log, and then only says that it cannot connect.
        raise RunError(ACCESS_REFUSED if b"InvalidAuthToken" in done.stderr else why)
    return answer
