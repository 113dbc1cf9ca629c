"""A kill at the worst moment: the checkpoint holds an epoch that was not reported yet."""

from __future__ import annotations

import signal
import subprocess
import sys

import pandas as pd
import pytest

from brainseg.jobs import queue
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workspace import Workspace, child_environment

KILLED_BEFORE_THEIR_REPORT = """
import os, signal, sys
from brainseg.jobs import trainer_process
from brainseg.training import finetune
whole = finetune.save_epochs
for last in map(int, sys.stdin):
    def save_epochs(epochs, file):
        if epochs[-1].epoch == last:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(epochs, file)
    finetune.save_epochs = save_epochs
    trainer = os.fork()
    if not trainer:
        os._exit(trainer_process.main(sys.argv[1]))
    print(os.waitstatus_to_exitcode(os.waitpid(trainer, 0)[1]), flush=True)
"""
"""Trains a run in one process per line of input, which is killed in the epoch that the line names, and prints how it
ended: they share the import of torch."""


def test_a_kill_between_checkpoint_and_report_leaves_no_gap(store, config) -> None:
    run = queue.create_claimed(store, config({"training.learning_rate": 0.001}), "gap")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_BEFORE_THEIR_REPORT, run.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
    ) as trainers:
        for epoch in (2, 3):
            trainers.stdin.write(f"{epoch}\n")
            trainers.stdin.flush()
            assert int(trainers.stdout.readline()) == -signal.SIGKILL
            assert sorted(store.history(run.id, "valid_loss")) == list(range(1, epoch))
            assert (Workspace(run.id).results / "checkpoint" / f"epoch-{epoch}.safetensors").is_file()
            store.set_status(run.id, "FAILED", "killed")
            queue.reclaim(store, run.id)
    ended = supervise(store, store.get(run.id))
    assert ended.status == "FINISHED", ended.reason
    curve = pd.read_csv(store.path(run.id, "epochs.csv"))
    assert curve["epoch"].tolist() == [1, 2, 3]
    stored = store.history(run.id, "valid_loss")
    assert [stored[number] for number in (1, 2, 3)] == pytest.approx(curve["valid_loss"].tolist())
