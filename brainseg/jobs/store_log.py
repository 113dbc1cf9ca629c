"""The `RunLog` of a trainer process: it writes to the log, the run's workspace and the run store."""

from __future__ import annotations

import logging
import time

from brainseg import paths
from brainseg.jobs.workspace import Workspace
from brainseg.runs import RunStore
from brainseg.training.log import EpochMetrics, Progress

INTERVAL = 0.4
"""Seconds between two writes of progress; a progress bar need not move faster."""
_LOGGER = logging.getLogger(__name__)


class StoreLog:
    """The log of one run; see `training.log.RunLog`.

    Args:
        store: The run store.
        workspace: The run's workspace.

    Attributes:
        pruned: Why the training should stop although nobody cancelled it, in one sentence; "" if it should not.
    """

    def __init__(self, store: RunStore, workspace: Workspace) -> None:
        self.store, self.workspace = store, workspace
        self.last_write, self.current_pass = 0.0, ("", 0)
        self.started, self.pruned = 0.0, ""
        self.stored = set(store.history(workspace.run_id, "valid_loss"))

    def message(self, sentence: str) -> None:
        """Write a sentence to the log."""
        _LOGGER.info(sentence, extra={"run": self.workspace.run_id})

    def progress(self, progress: Progress) -> None:
        """Store the progress of the training, at most once every `INTERVAL` seconds within a pass."""
        paths.refuse_if_moved()
        now, this_pass = time.monotonic(), (progress.phase, progress.epoch)
        if now - self.last_write < INTERVAL and this_pass == self.current_pass and progress.step < progress.steps:
            return
        if this_pass != self.current_pass:
            self.current_pass, self.started = this_pass, time.time()
        self.last_write = now
        self.workspace.write_progress(
            {
                "phase": progress.phase,
                "step": progress.step,
                "steps": progress.steps,
                "epoch": progress.epoch,
                "epochs": progress.epochs,
                "time": time.time(),
                "started": self.started,
            }
        )

    def epoch(self, metrics: EpochMetrics) -> None:
        """Store the metrics of an epoch once; a resumed training reports its earlier epochs again."""
        paths.refuse_if_moved()
        if metrics.epoch in self.stored:
            return
        self.stored.add(metrics.epoch)
        values = metrics.to_dict()
        del values["phase"], values["epoch"]
        self.store.log_metrics(self.workspace.run_id, values, metrics.epoch)
        self.message(
            f"epoch {metrics.epoch:3d} ({metrics.phase}): training loss {metrics.train_loss:.4f}, "
            f"validation loss {metrics.valid_loss:.4f}, {metrics.headline}, {metrics.seconds:.1f} s"
        )

    def cancelled(self) -> bool:
        """Return whether the user asked to cancel the run."""
        paths.refuse_if_moved()
        return self.workspace.cancel_requested()
