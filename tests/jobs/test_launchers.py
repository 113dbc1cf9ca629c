"""The launchers local and command with real processes, and processes of other machines."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brainseg.errors import RunError
from brainseg.jobs import actions, cancelling, launch_command, launched, launcher, lost_runs, queue
from brainseg.jobs.handover import hand_over, handed_over
from brainseg.jobs.workspace import SILENT, Workspace, child_environment
from brainseg.runs import EndKind, Run, RunStore
from brainseg.runs.search import trials_of
from tests.cli.test_cli import TINY, assert_refused, here
from tests.jobs.helpers import search_ended, wait_for

SCHEDULER = """#!/bin/sh
# Stands in for sbatch: it prints a number, ends, and the job goes on without it.
echo "$@" >> "$CALLS"
[ "$1" = --refuse ] && { echo "sbatch: error: invalid partition" >&2; exit 3; }
setsid sh -c "$2" > "$CALLS.out" 2>&1 < /dev/null &
echo "Submitted batch job 7"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The calls of a scheduler that is installed as `sched` and set as the launch command."""
    program = tmp_path / "a folder" / "sched"
    program.parent.mkdir()
    program.write_text(SCHEDULER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("BRAINSEG_LAUNCH_COMMAND", 'sched --wrap "{command}"')
    return tmp_path / "calls"


def test_a_command_trains_a_run_that_no_worker_may_take(store: RunStore, calls: Path, tiny_set: Path) -> None:
    done = here("submit", "--data", tiny_set, *TINY, "--name", "far", "--launcher", "command", home=store.home)
    assert done.returncode == 0, done.stderr
    run = store.get("far")
    assert run.launcher == "command"
    assert queue.queued(store, "cpu") == []
    assert queue.claim_next(store, "cpu") is None
    wait_for(lambda: store.get(run.id).status == "FINISHED", "the run to finish")
    assert calls.read_text() == f"--wrap {shlex.join(command_of(store, run))}\n"
    assert (store.bundle(store.get(run.id)) / "model.safetensors").is_file()
    wait_for(lambda: not Workspace(run.id).folder.exists(), "the workspace to be cleaned up")
    assert queue.claim(store, run.id) is None


def command_of(store: RunStore, run: Run) -> list[str]:
    found = hand_over(run.id)
    Workspace(run.id).remove()
    path = [f"PYTHONPATH={found.python_path}"] if found.python_path else []
    return [*(["env"] if path else []), *path, sys.executable, *found.arguments]


def test_a_command_that_fails_is_told_and_its_run_can_be_resumed(
    store: RunStore, config, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAINSEG_LAUNCH_COMMAND", "sched --refuse {command}")
    with pytest.raises(RunError, match=r"ended with exit code 3 \(sbatch: error: invalid partition\): check BRAINSEG"):
        queue.submit(store, config({"training.epochs": 1}), "refused", launcher="command")
    refused = store.get("refused")
    assert (refused.status, refused.end.kind, refused.end.resumable) == ("FAILED", EndKind.NOT_STARTED, True)
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)
    moved = actions.resubmit(store, refused.id, "local")
    assert (moved.status, moved.launcher) == ("SCHEDULED", "local")
    assert queue.claim_next(store, "cpu").id == refused.id


def test_a_search_goes_on_after_its_worker_was_killed(store: RunStore, tiny_set: Path) -> None:
    wanted = ["--trials", 2, "--set-range", "model.regularisation=1e-4:1:log", "--name", "s", "--confirm", "none"]
    asked = here("search", "--data", tiny_set, *TINY, "--set", "model.head=logistic", *wanted, home=store.home)
    assert asked.returncode == 0, asked.stderr
    first = store.get("s-trial0")
    trainer = wait_for(lambda: Workspace(first.id).trainer(), "the trainer")
    Workspace(first.id).owners()[0].kill()
    wait_for(lambda: not trainer.is_running(), "the trainer to end with its worker")
    interrupted = search_ended(store, "s")
    assert interrupted.reason == "The search was interrupted: 0 of up to 2 trials finished, 1 failed."
    assert here("resume", "s", home=store.home).returncode == 0
    done = search_ended(store, "s")
    trials = trials_of(done, store.all_children(done))
    assert [run.status for run in trials] == ["FINISHED"] * 2, done.reason
    assert trials[0].id == first.id
    assert trials[0].trial.point != trials[1].trial.point


def test_the_environment_chooses_the_launcher_and_mistakes_are_told(
    store: RunStore, tiny_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ("submit", "--data", tiny_set, *TINY)
    assert_refused(here(*order, "--launcher", "slurm", home=store.home), "'slurm' is no launcher, choose local, ray")
    monkeypatch.setenv("BRAINSEG_LAUNCHER", "command")
    monkeypatch.delenv("BRAINSEG_LAUNCH_COMMAND", raising=False)
    assert_refused(here(*order, home=store.home), "needs BRAINSEG_LAUNCH_COMMAND: set it, for example")
    for text, message in {
        "sbatch 'x": "No closing quotation",
        "true --wrap": "has no {command}",
        "no-such-program {command}": "the program 'no-such-program' was not found",
    }.items():
        monkeypatch.setenv("BRAINSEG_LAUNCH_COMMAND", text)
        assert_refused(here(*order, home=store.home), message)
    assert store.list() == []


def test_commands_are_quoted_for_each_shell_that_reads_them(store: RunStore, config, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s a "folder" $HOME'
    run = store.create(config({"compute.threads": 3, "compute.device": "cuda"}), "x; rm -rf /")
    show = [sys.executable, "-c", "import sys; print(sys.argv[1:])", str(odd)]
    once = launch_command.filled(["sh", "-c", "{command}"], show, run)
    twice = launch_command.filled(["sh", "-c", "exec sh -c {quoted}"], show, run)
    for words in (once, twice):
        assert subprocess.run(words, capture_output=True, text=True).stdout == f"{[str(odd)]}\n"
    assert launch_command.filled(["-c{cpus}", "--gres=gpu:{gpus}", "{run}", "%j{x}"], show, run) == [
        "-c3",
        "--gres=gpu:1",
        run.id,
        "%j{x}",
    ]


def test_secrets_are_handed_over_in_a_file_and_once(store: RunStore, config, monkeypatch, capfd, tmp_path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hush")
    run = store.create(config(), "one", "KILLED", launcher="command")
    found = hand_over(run.id)
    file = handed_over(str(store.home), run.id)
    assert "hush" not in " ".join(found.arguments)
    assert json.loads(file.read_text())["MLFLOW_TRACKING_PASSWORD"] == "hush"
    assert file.stat().st_mode & 0o777 == 0o600
    assert launched.main(str(store.home), run.id, False) == 0  # the run no longer waits
    file.unlink()
    assert launched.main(str(store.home), run.id, False) == 0
    assert launched.main(str(tmp_path / "elsewhere"), run.id, False) == launched.REFUSED
    assert "does not see the home folder" in capfd.readouterr().err


def test_a_process_that_dies_before_it_claims_its_run_does_not_leave_it_waiting(store: RunStore, config) -> None:
    run = store.create(config(), "far", launcher="ray")
    hand_over(run.id)
    assert queue.reconcile(store) == []  # its turn has not come
    starts = "import os, sys; from brainseg.jobs.workspace import Workspace; work = Workspace(sys.argv[1])"
    claims = "work.record_starter(); work.make(claiming=True); work.record_owners([os.getpid()])"
    script = f"{starts}; {claims}; os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", script, run.id], env=child_environment())
    assert killed.returncode == -9
    assert [lost.id for lost in queue.reconcile(store)] == [run.id]
    assert (store.get(run.id).status, store.get(run.id).end.kind) == ("FAILED", EndKind.LOST)
    workspace = Workspace(run.id)
    workspace.make()
    store.requeue(run.id)
    workspace.record_starter()  # this process lives
    assert queue.reconcile(store) == []


def test_claims_of_runs_of_other_launchers_are_exclusive(store: RunStore, config) -> None:
    run, local = store.create(config(), "far", launcher="ray"), store.create(config(), "near")
    assert queue.claim(store, local.id) is None
    assert queue.claim(store, run.id).status == "RUNNING"
    assert queue.claim(store, run.id) is None
    assert queue.claim_next(store, "cpu").id == local.id


@pytest.fixture
def far(store: RunStore, config) -> Run:
    """A run that processes of another machine work on."""
    run = queue.claim(store, store.create(config(), "far", launcher="ray").id)
    workspace = Workspace(run.id)
    [owner] = json.loads(workspace._owners.read_text())
    workspace._owners.write_text(json.dumps([{**owner, "host": "node7 pid:[1]"}]))
    return run


def test_processes_of_another_machine_count_as_long_as_they_give_signs_of_life(store: RunStore, far: Run) -> None:
    workspace = Workspace(far.id)
    assert workspace.owners() == []
    assert queue.reconcile(store) == []
    workspace._sign.touch()
    late = time.time() - SILENT - 5
    os.utime(workspace._sign, (late, late))
    assert [lost.id for lost in queue.reconcile(store)] == [far.id]
    assert store.get(far.id).end.kind == EndKind.LOST
    assert queue.reclaim(store, far.id).status == "RUNNING"


def test_a_run_on_a_machine_that_does_not_answer_can_be_cancelled(store: RunStore, far: Run, monkeypatch) -> None:
    monkeypatch.setattr(cancelling, "CANCEL_LIMIT", 0.5)
    stopped = cancelling.cancel(store, far.id)
    assert (stopped.status, Workspace(far.id).cancel_requested()) == ("KILLED", True)
    with pytest.raises(RunError, match="about to end: delete the run in a moment"):
        actions.delete(store, far.id)
    Workspace(far.id).release()
    actions.delete(store, far.id)


def test_a_waiting_run_of_another_launcher_is_started_again_by_resume(store: RunStore, config, calls: Path) -> None:
    run = store.create(config({"training.epochs": 400}), "waits", launcher="command")
    hand_over(run.id)  # and its scheduler forgot it
    queue.reconcile(store)
    assert not calls.exists()
    done = here("resume", "waits", "--queue", home=store.home)
    assert done.returncode == 0, done.stderr
    assert calls.read_text().count(run.id) == 1
    wait_for(lambda: store.get(run.id).status == "RUNNING", "the run to start")


def test_a_run_whose_launcher_was_never_told_is_started_by_whoever_notices(
    store: RunStore, config, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(config({"training.epochs": 400}), "forgotten", launcher="command")  # and its maker was killed
    queue.reconcile(store)
    assert not calls.exists()
    monkeypatch.setattr(lost_runs, "HANDOVER_LIMIT", 0.0)
    queue.reconcile(store)
    queue.reconcile(store)
    assert calls.read_text().count(run.id) == 1


def test_ray_that_is_not_installed_is_told(store: RunStore, tiny_set: Path, monkeypatch) -> None:
    monkeypatch.setattr("brainseg.extras.find_spec", lambda name: None)
    refused = here("submit", "--data", tiny_set, *TINY, "--launcher", "ray", home=store.home)
    assert_refused(refused, "The launcher ray needs ray, which is not installed: run `pip install 'brainseg[cluster]'`")
