"""A search on a Ray cluster with two nodes: spread, killed, resumed, cancelled. Nothing here is mocked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from brainseg.jobs import queue, ray_client
from brainseg.jobs.workspace import Workspace
from brainseg.results.search.reading import search_result
from brainseg.results.stored_results import split
from brainseg.runs import Run, RunStore
from brainseg.runs.search import trials_of
from brainseg.search.trials import point_key
from tests.cli.test_cli import TINY, assert_refused, here
from tests.jobs.helpers import search_ended, wait_for

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes with one processor each, beside one that takes no runs."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            made.add_node(num_cpus=1)
        yield made.address
    finally:
        made.shutdown()


@pytest.fixture(autouse=True)
def address(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster)


def test_a_search_on_two_nodes_is_killed_and_resumed(store: RunStore, tiny_set: Path) -> None:
    wanted = ["--trials", 3, "--set-range", "model.regularisation=1e-4:1:log", "--name", "s"]
    logistic = [*TINY, "--set", "model.head=logistic"]
    asked = here("search", "--data", tiny_set, *logistic, *wanted, "--launcher", "ray", home=store.home)
    assert asked.returncode == 0, asked.stderr
    search = store.get("s")
    assert (search.launcher, search.search.parallel) == ("ray", 2)
    first, second = (store.get(f"s-trial{number}") for number in range(2))
    assert {run.launcher for run in (first, second)} == {"ray"}
    assert queue.claim_next(store, "cpu") is None
    nodes: dict[str, psutil.Process] = {}

    def both_seen() -> bool:
        for run in (first, second):
            if run.id not in nodes and (owners := Workspace(run.id).owners()):
                nodes[run.id] = owners[0].parent()
        return len(nodes) == 2

    wait_for(both_seen, "a process of the cluster for each trial")
    last = list(nodes.values())[-1]
    assert last.pid != next(iter(nodes.values())).pid
    last.kill()
    interrupted = search_ended(store, "s")
    assert interrupted.reason.startswith("The search was interrupted")
    again = here("resume", "s", home=store.home)
    assert again.returncode == 0, again.stderr
    done = search_ended(store, "s")
    assert done.status == "FINISHED", done.reason
    trials = trials_of(done, store.all_children(done))
    assert [run.status for run in trials] == ["FINISHED"] * 3
    assert len({point_key(run.trial.point) for run in trials}) == 3
    confirmed = search_result(store, done).confirmation.run
    test = side(store, confirmed, "test")
    assert test
    assert all(not test & (side(store, run, "train") | side(store, run, "valid")) for run in trials)


def side(store: RunStore, run: Run, name: str) -> set[str]:
    table = split(store, run)
    return set(table.loc[table["split"] == name, "path"])


def test_a_run_is_cancelled_and_what_the_cluster_cannot_train_is_refused(
    store: RunStore, tiny_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ["submit", "--data", tiny_set, *TINY, "--launcher", "ray"]
    many = here(*order, "--set", "compute.threads=2", home=store.home)
    assert_refused(many, "No node of the Ray cluster has 2 processors for a run: change compute.threads")
    asked = here(*order, "--name", "long", "--set", "training.epochs=400", home=store.home)
    assert asked.returncode == 0, asked.stderr
    run = store.get("long")
    wait_for(lambda: Workspace(run.id).trainer(), "its trainer")
    assert os.getpid() not in {owner.pid for owner in Workspace(run.id).owners()}
    assert here("cancel", "long", home=store.home).returncode == 0
    assert store.get("long").status == "KILLED"
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    assert_refused(here(*order, home=store.home), "The Ray cluster at 127.0.0.1:9 does not answer: check RAY_ADDRESS")


def test_other_versions_and_a_wrong_token_are_told() -> None:
    from ray._private.utils import check_version_info
    from ray.exceptions import AuthenticationError

    with pytest.raises(RuntimeError) as raised:
        check_version_info({"ray_version": "2.59.0", "python_version": "3.12.1"}, "node 10.0.0.5")
    sentence = ray_client._reason(raised.value, "10.0.0.5:6379")
    assert sentence.startswith(
        "The Ray cluster has other versions than this machine (The cluster was started with: Ray: 2"
    )
    assert sentence.endswith("install the same versions of Ray and Python on both.")
    assert "RAY_AUTH_TOKEN" in ray_client._reason(AuthenticationError("invalid"), "10.0.0.5:6379")
    assert "ray start --head" in ray_client._reason(ConnectionError("Could not find any running Ray instance."), "")
