"""Real processes: workers, trainers, kills. Nothing here is mocked."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from brainseg.errors import RunError
from brainseg.jobs import cancelling, queue, supervisor, workers
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.runs import EndKind, RunStore
from tests.jobs.helpers import PATIENCE, epochs_done, supervised, wait_for


def start_worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "brainseg", "worker", "--idle", "0.5"], env=child_environment(), start_new_session=True
    )


def long_run(config):
    return config({"training.epochs": 400})


def test_two_workers_started_at_once_never_take_the_same_run(store, config) -> None:
    runs = [store.create(config({"training.epochs": 1}), f"run {number}") for number in range(2)]
    workers = [start_worker(), start_worker()]
    for worker in workers:
        assert worker.wait(PATIENCE) == 0
    assert {run.status for run in map(store.get, [run.id for run in runs])} == {"FINISHED"}
    for run in runs:
        log = store.path(run.id, "log.txt").read_text()
        assert log.count("images of 2 classes") == 1
        assert sorted(store.history(run.id, "valid_loss")) == [1, 2]


def test_claims_are_exclusive_and_in_order(store, config) -> None:
    first, second = (store.create(config(), name) for name in ("first", "second"))
    assert queue.claim_next(store, "cpu").id == first.id
    assert queue.claim_next(store, "cpu").id == second.id
    assert queue.claim_next(store, "cpu") is None


def test_a_submitted_run_is_trained_by_a_worker_that_outlives_its_starter(store, config, home: Path) -> None:
    script = (
        "import sys; from brainseg.config import RunConfig; from brainseg.runs import RunStore\n"
        "from brainseg.jobs.queue import submit\n"
        "print(submit(RunStore(), RunConfig.from_yaml(sys.stdin.read()), 'sent').id)"
    )
    sent = subprocess.run(
        [sys.executable, "-c", script],
        input=config().to_yaml(),
        capture_output=True,
        text=True,
        env=child_environment(),
    )
    assert sent.returncode == 0, sent.stderr
    run_id = sent.stdout.strip()
    wait_for(lambda: store.get(run_id).status == "FINISHED", "the run to finish")
    assert store.get(run_id).metrics["final_count"] == 12
    assert (store.bundle(store.get(run_id)) / "model.safetensors").is_file()
    wait_for(lambda: not Workspace(run_id).folder.exists(), "the workspace to be cleaned up")


def test_a_killed_trainer_ends_as_failed_with_its_log_and_resumes(store, config) -> None:
    settings = config({"training.epochs": 6, "training.learning_rate": 0.001})
    run = queue.create_claimed(store, settings, "victim")
    killed = []

    def kill_once(workspace: Workspace) -> None:
        trainer = workspace.trainer()
        if trainer and not killed and epochs_done(run, 2):
            killed.append(trainer)
            trainer.send_signal(signal.SIGKILL)

    ended = supervise(store, run, kill_once)
    assert ended.status == "FAILED"
    assert "SIGKILL" in ended.reason
    assert ended.end.kind == EndKind.DIED
    assert "images of 2 classes" in ended.end.log_tail
    done_before = len((Workspace(run.id).results / "epochs.csv").read_text().splitlines()) - 1
    finished = supervise(store, queue.reclaim(store, run.id))
    assert finished.status == "FINISHED"
    assert sorted(store.history(run.id, "valid_loss")) == list(range(1, 8))
    log = store.path(run.id, "log.txt").read_text()
    assert "Resuming after epoch" in log
    assert 2 <= done_before < 7
    with pytest.raises(RunError, match="only a FAILED or KILLED run can be resumed"):
        queue.reclaim(store, run.id)


def test_cancel_stops_a_running_run_and_leaves_no_child(store, config) -> None:
    run = queue.create_claimed(store, long_run(config), "endless")
    with supervised(run):
        wait_for(lambda: epochs_done(run, 1), "the first epochs")
        trainer = Workspace(run.id).trainer()
        cancelled = cancelling.cancel(store, run.id)
    assert cancelled.status == "KILLED"
    assert not psutil.pid_exists(trainer.pid) or trainer.status() == psutil.STATUS_ZOMBIE
    with pytest.raises(RunError, match="nothing to cancel"):
        cancelling.cancel(store, run.id)


def test_a_run_resumed_before_its_supervisor_looked_is_not_called_dead(store, config) -> None:
    run = queue.create_claimed(store, long_run(config), "eager")

    def resume_at_the_end(workspace: Workspace) -> None:
        if epochs_done(run, 1) and not workspace.cancel_requested() and store.get(run.id).status == "RUNNING":
            workspace.request_cancel()
        if store.get(run.id).status == "KILLED":
            workspace.make()
            store.requeue(run.id)

    assert supervise(store, run, resume_at_the_end).status == "SCHEDULED"
    assert queue.claim_next(store, "cpu").id == run.id


def test_a_trainer_that_does_not_listen_is_killed(store, config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "CANCEL_TIMEOUT", 0.5)
    run = queue.create_claimed(store, long_run(config), "deaf")
    with supervised(run):
        trainer = wait_for(lambda: Workspace(run.id).trainer(), "the trainer")
        trainer.suspend()
        assert cancelling.cancel(store, run.id).status == "KILLED"
    wait_for(lambda: not trainer.is_running() or trainer.status() == psutil.STATUS_ZOMBIE, "the trainer to be gone")


def test_a_waiting_run_is_cancelled_at_once(store, config) -> None:
    run = store.create(config(), "waiting")
    assert cancelling.cancel(store, run.id).status == "KILLED"
    assert queue.claim_next(store, "cpu") is None


def test_a_killed_worker_takes_its_trainer_along_and_the_run_can_go_on(store, config) -> None:
    run = store.create(long_run(config), "orphan")
    worker = start_worker()
    wait_for(lambda: epochs_done(run, 1), "the first epochs")
    trainer = Workspace(run.id).trainer()
    worker.kill()
    worker.wait()
    wait_for(lambda: not trainer.is_running(), "the orphan to stop")
    assert store.get(run.id).status == "FAILED"
    assert "supervis" in store.get(run.id).reason
    assert queue.reclaim(store, run.id).status == "RUNNING"


def test_a_worker_killed_while_its_trainer_still_imports_leaves_nobody_training(store, config) -> None:
    run = store.create(long_run(config), "early")
    worker = start_worker()
    trainer = wait_for(lambda: Workspace(run.id).trainer(), "the trainer")
    worker.kill()
    worker.wait()
    wait_for(lambda: not trainer.is_running(), "the trainer to end with its worker")
    assert [lost.id for lost in queue.reconcile(store)] in ([run.id], [])  # by us, or by the trainer if it came so far
    assert store.get(run.id).status == "FAILED"


def test_a_run_is_never_trained_by_two_processes(store, config) -> None:
    """A trainer that is not recorded still counts, since it holds the run's lock."""
    run = store.create(config(), "contested")
    queue.claim_next(store, "cpu")
    workspace = Workspace(run.id)
    hold = "import sys; from brainseg.jobs.workspace import Workspace; lock = Workspace(sys.argv[1]).trainer_lock()"
    first = subprocess.Popen(
        [sys.executable, "-c", f"{hold}; lock.acquire(); print('held', flush=True); input()", run.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(),
    )
    try:
        assert first.stdout.readline() == b"held\n"
        (workspace.folder / "owners.json").write_text("[]")
        assert queue.reconcile(store) == []
        imports = "import sys; from brainseg.jobs import trainer"
        begin = f"{imports}; trainer.LOCK_TIMEOUT = 0; sys.exit(trainer.begin(sys.argv[1]))"
        second = subprocess.Popen(
            [sys.executable, "-c", begin, run.id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
        )
        assert second.wait(PATIENCE) == 2
        assert b"is still training this run" in second.stdout.read()
    finally:
        first.kill()
        first.wait()
    assert [lost.id for lost in queue.reconcile(store)] == [run.id]


def test_runs_whose_processes_all_died_are_found_out(store, config) -> None:
    run = store.create(config(), "lost")
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    queue.claim_next(store, "cpu")
    Workspace(run.id).record_owners([sleeper.pid])
    assert queue.reconcile(store) == []
    sleeper.kill()
    sleeper.wait()
    assert [lost.id for lost in queue.reconcile(store)] == [run.id]
    assert store.get(run.id).status == "FAILED"


def test_a_fault_of_the_user_ends_the_run_with_its_sentence(store, config, tmp_path: Path) -> None:
    settings = config({"data.path": str(tmp_path / "gone")})
    ended = supervise(store, queue.create_claimed(store, settings, "faulty"))
    assert ended.status == "FAILED"
    assert ended.reason.endswith("does not exist: choose a folder of class folders or a CSV manifest.")
    assert "Traceback" not in store.path(ended.id, "log.txt").read_text()


def test_another_home_s_runs_are_left_alone(store, config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = store.create(config(), "theirs")
    uri = store.uri
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    other = RunStore()
    assert [seen.id for seen in other.list()] == [run.id]
    assert queue.claim_next(other, "cpu") is None


def test_a_warm_start_takes_the_weights_of_a_run(finished_home, config) -> None:
    store = RunStore()
    first = store.get("tuned")
    second = supervise(
        store, queue.create_claimed(store, config({"training.epochs": 1, "model.weights": f"run:{first.id}"}), "second")
    )
    assert second.status == "FINISHED", second.reason
    assert '"random_stages": []' in store.path(second.id, "weights.json").read_text()


def test_the_queue_has_a_limit_and_says_when_nobody_works(store, config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_MAX_QUEUE", "1")
    waiting = store.create(config(), "waiting")
    done = store.create(config(), "done", "KILLED")
    for order in (lambda: queue.submit(store, config(), "more"), lambda: queue.resubmit(store, done.id)):
        with pytest.raises(RunError, match="1 runs wait, and the limit is 1"):
            order()
    assert [run.id for run in workers.without_worker(store, store.list())] == [waiting.id]
    with workers.worker_lock("cpu"):
        assert workers.without_worker(store, store.list()) == []
    shown = subprocess.run(
        [sys.executable, "-m", "brainseg", "runs", "--json"], capture_output=True, text=True, env=child_environment()
    )
    assert "Run waiting waits, and no worker is running" in shown.stderr
    assert '"waiting"' in shown.stdout
