"""The process that speaks to a Ray cluster for `launch_ray`, `python -m brainseg.jobs.ray_client`.

It reads a request as JSON from its standard input and prints the answer as the last line. Only this module imports Ray.

Each run is a detached actor, which the cluster keeps whatever becomes of this process. What it does is sent with it, so
that it needs nothing but Python on the node: it starts `brainseg.jobs.launched`, and ends with it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from typing import Any

NAMESPACE = "brainseg"
ADDRESS = "RAY_ADDRESS"
ANSWER_TIMEOUT = 10.0
"""Seconds for the machine at the address to accept a connection."""
PROBE_TIMEOUT = 60.0
"""Seconds for the answers of all nodes."""
_NO_CLUSTER = "No Ray cluster was found: start one with `ray start --head`, or set RAY_ADDRESS to the address of one."
_SILENT = "The Ray cluster at {} does not answer: check RAY_ADDRESS, and the cluster with `ray status`."
_VERSIONS = (
    "The Ray cluster has other versions than this machine ({}): install the same versions of Ray and Python on both."
)
ACCESS_REFUSED = (
    "The Ray cluster asks for a token and refused this one: copy the cluster's ~/.ray/auth_token to this machine, or "
    "set RAY_AUTH_TOKEN."
)


class Refusal(Exception):
    """The cluster cannot do what was asked, and why, in one sentence."""


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Connect to the cluster and do what was asked.

    Args:
        request: "act" is "check" or "start", and what `check` or `start` needs.

    Returns:
        The answer; "error" is a sentence if the cluster cannot do it.
    """
    try:
        with redirect_stdout(sys.stderr):
            _connect()
            acts = {"check": check, "start": start}
            return acts[request["act"]](request)
    except Refusal as refusal:
        return {"error": str(refusal)}


def _connect() -> None:
    import ray

    address = os.environ.get(ADDRESS, "").strip()
    _refuse_if_silent(address)
    try:
        ray.init(address or "auto", namespace=NAMESPACE, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # Ray raises its own, Python's and those of its libraries
        raise Refusal(_reason(error, address)) from error


def _refuse_if_silent(address: str) -> None:
    """Refuse an address at which nothing listens: Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].partition(":")
    if not port.isdecimal():  # "auto", or a form that Ray refuses
        return
    try:
        socket.create_connection((host, int(port)), ANSWER_TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise Refusal(_SILENT.format(address)) from error


def _reason(error: Exception, address: str) -> str:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        return _VERSIONS.format(text.partition("ersion mismatch")[2].strip(": ")[:300].rstrip("."))
    if (
        "authentication" in text.lower()
        or "auth token" in text.lower()
        or type(error).__name__ == "AuthenticationError"
    ):
        return ACCESS_REFUSED
    if not address:
        return _NO_CLUSTER
    return _SILENT.format(address)


def check(request: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse a cluster none of whose nodes has room for a run, or one of whose nodes could not train it.

    Args:
        request: "cpus" and "device" of a run, "paths" that every node must see, the version of "brainseg" that it must
            have, and the "python_path" with which it finds it.

    Returns:
        "slots": how many such runs the cluster trains at a time if nothing else uses it.

    Raises:
        Refusal: It cannot train such runs.
    """
    nodes = _alive_nodes()
    cpus, gpus = int(request["cpus"]), _gpus(request["device"], nodes)
    slots = {node["NodeID"]: _slots(node, cpus, gpus) for node in nodes}
    fitting = [node for node in nodes if slots[node["NodeID"]]]
    if not fitting:
        what = f"{cpus} processor{'s' * (cpus > 1)}" + (" and a GPU" if gpus else "")
        raise Refusal(
            f"No node of the Ray cluster has {what} for a run: change compute.threads or compute.device, or add a node."
        )
    answers = _probe(fitting, request)
    if not answers:
        raise Refusal("No node of the Ray cluster answers: check it with `ray status`.")
    for node, seen in answers:
        place = node["NodeManagerHostname"]
        if seen["missing"]:
            raise Refusal(
                f"The node {place} of the Ray cluster does not see {seen['missing'][0]}: put it on a file system that "
                "all nodes share, at the same path."
            )
        if seen["brainseg"] != request["brainseg"]:
            has = f"brainseg {seen['brainseg']}" if seen["brainseg"] else "no brainseg"
            raise Refusal(
                f"The node {place} of the Ray cluster has {has}, and this machine {request['brainseg']}: install the "
                "same version on both."
            )
    return {"slots": sum(slots[node["NodeID"]] for node, _ in answers)}


def start(request: Mapping[str, Any]) -> dict[str, Any]:
    """Give runs to the cluster, each as an actor that outlives this process; one that the cluster has stays as it is.

    Args:
        request: "orders" with the "name", the "arguments" of Python, the "python_path", the "cpus" and the "device" of
            each run.
    """
    import ray

    nodes = _alive_nodes()
    for order in request["orders"]:
        ray.remote(_actor()).options(
            name=order["name"],
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=0,
            num_cpus=order["cpus"],
            num_gpus=_gpus(order["device"], nodes),
        ).remote(order["arguments"], order["python_path"])
        ray.get_actor(order["name"], NAMESPACE)  # returns once the cluster knows it
    return {}


def _alive_nodes() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def _gpus(device: str, nodes: Sequence[Mapping[str, Any]]) -> int:
    """Return how many GPUs a run needs: with the device auto, one if the cluster has any."""
    return int(device == "cuda" or (device == "auto" and any(node["Resources"].get("GPU", 0) for node in nodes)))


def _slots(node: Mapping[str, Any], cpus: int, gpus: int) -> int:
    resources = node["Resources"]
    room = int(resources.get("CPU", 0) // cpus)
    return min(room, int(resources.get("GPU", 0))) if gpus else room


def _probe(
    nodes: Sequence[Mapping[str, Any]], request: Mapping[str, Any]
) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Return for each node that answers which paths it does not see, and its version of brainseg, "" without one.

    The cluster notices only after some seconds that a node has died; such a node gets no runs, so it may be silent.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look(paths: list[str], python_path: str) -> dict[str, Any]:
        import os
        import subprocess
        import sys

        environment = {**os.environ, "PYTHONPATH": python_path} if python_path else dict(os.environ)
        command = [sys.executable, "-c", "import brainseg; print(brainseg.__version__)"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        return {"missing": [path for path in paths if not os.path.exists(path)], "brainseg": done.stdout.strip()}  # noqa: PTH110

    task = ray.remote(look)
    asked = [
        task.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            request["paths"], request["python_path"]
        )
        for node in nodes
    ]
    limit, answers = time.monotonic() + PROBE_TIMEOUT, []
    for node, reference in zip(nodes, asked, strict=True):
        with suppress(ray.exceptions.RayError):
            answers.append((node, ray.get(reference, timeout=max(0.1, limit - time.monotonic()))))
    return answers


def _actor() -> type:
    """Return the class of the actors; Ray sends one that is made in a function with its code."""

    class Training:
        def __init__(self, arguments: list[str], python_path: str) -> None:
            import os
            import subprocess
            import sys
            import threading

            import ray

            environment = {**os.environ, "RAY_ADDRESS": ray.get_runtime_context().gcs_address}
            if python_path:
                environment["PYTHONPATH"] = python_path
            # Its standard input breaks if this process dies: see `parent_watch`.
            launched = subprocess.Popen(  # noqa: S603
                [sys.executable, *arguments], stdin=subprocess.PIPE, env=environment, start_new_session=True
            )

            def end_with_it() -> None:
                launched.wait()
                os._exit(0)

            # In a thread, since Ray starts an actor again that ends while it is made.
            threading.Thread(target=end_with_it, daemon=True).start()

    return Training


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin))) + "\n")
