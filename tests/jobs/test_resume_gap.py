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

KILLED_BEFORE_ITS_REPORT = """
import os, signal, sys
from brainseg.jobs import trainer_process
from brainseg.training import finetune
whole = finetune.save_epochs
def save_epochs(epochs, file):
    if epochs[-1].epoch == {epoch}:
        os.kill(os.getpid(), signal.SIGKILL)
    whole(epochs, file)
finetune.save_epochs = save_epochs
trainer_process.main(sys.argv[1])
"""


def test_a_kill_between_checkpoint_and_report_leaves_no_gap(store, config) -> None:
    run = queue.create_claimed(store, config({"training.learning_rate": 0.001}), "gap")
    for epoch in (2, 3):
        script = KILLED_BEFORE_ITS_REPORT.format(epoch=epoch)
        dead = subprocess.run([sys.executable, "-c", script, run.id], env=child_environment(), capture_output=True)
        assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
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
