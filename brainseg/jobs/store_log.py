"""The `RunLog` of a trainer process: sentences to its log, progress to its workspace, metrics to the run store."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict

from brainseg import paths
from brainseg.jobs.workspace import Workspace
from brainseg.runs import RunStore
from brainseg.training.log import EpochMetrics, Progress

INTERVAL = 0.4
"""Seconds between two writes of progress: a bar need not move faster, and each write costs the disk."""
_LOGGER = logging.getLogger(__name__)


class StoreLog:
    """Reports one run; see `training.log.RunLog`.

    Args:
        store: The run store.
        workspace: The run's folder.
    """

    def __init__(self, store: RunStore, workspace: Workspace) -> None:
        self.store, self.workspace = store, workspace
        self.noted, self.pass_ = 0.0, ("", 0)
        self.started = 0.0
        self.stored = set(store.history(workspace.run_id, "valid_loss"))

    def message(self, sentence: str) -> None:
        """Write a sentence to the log."""
        _LOGGER.info(sentence, extra={"run": self.workspace.run_id})

    def progress(self, progress: Progress) -> None:
        """Store where the training is, at most once every `INTERVAL` seconds of a pass."""
        paths.refuse_if_moved()
        now, this_pass = time.monotonic(), (progress.phase, progress.epoch)
        if now - self.noted < INTERVAL and this_pass == self.pass_ and progress.step < progress.steps:
            return
        if this_pass != self.pass_:
            self.pass_, self.started = this_pass, time.time()
        self.noted = now
        self.workspace.write_progress({**asdict(progress), "time": time.time(), "started": self.started})

    def epoch(self, figures: EpochMetrics) -> None:
        """Store the figures of an epoch; a resumed training tells its earlier ones again, which are known."""
        paths.refuse_if_moved()
        if figures.epoch in self.stored:
            return
        self.stored.add(figures.epoch)
        values = figures.to_dict()
        del values["phase"], values["epoch"]
        self.store.log_metrics(self.workspace.run_id, values, figures.epoch)
        self.message(
            f"epoch {figures.epoch:3d} ({figures.phase}): training loss {figures.train_loss:.4f}, "
            f"validation loss {figures.valid_loss:.4f}, {figures.headline}, {figures.seconds:.1f} s"
        )

    def cancelled(self) -> bool:
        """Say whether somebody asked for a stop."""
        paths.refuse_if_moved()
        return self.workspace.cancel_requested()
