"""What a server did, as metrics for Prometheus: answers with their seconds, runs, queue, disk and memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from brainseg.errors import BrainsegError, LimitError
from brainseg.files import kept_free
from brainseg.limits import MINUTE, SharedRateLimit
from brainseg.operations.health import Watch
from brainseg.runs import STATUSES
from brainseg.users.actor import current
from brainseg.users.policy import Act, acting

ANSWERS_A_MINUTE = SharedRateLimit("BRAINSEG_MAX_ANSWERS_PER_MINUTE", MINUTE, "answers a minute")
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0)
"""Upper bounds of the histogram of seconds."""

REGISTRY = CollectorRegistry()
WATCH = Watch()
"""The state of the home, for the metrics and for `/health`."""
_SECONDS = Histogram(
    "brainseg_answer_seconds", "Seconds that models took for an answer.", ["task"], buckets=BUCKETS, registry=REGISTRY
)
_REFUSED = Counter("brainseg_answers_refused", "Answers that the limit a minute refused.", registry=REGISTRY)
_FAILED = Counter("brainseg_answers_failed", "Answers that ended with an error.", ["task"], registry=REGISTRY)
ProcessCollector(registry=REGISTRY)


class _Home(Collector):
    """Metrics of the home, read when they are asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        """Give the metrics."""
        health = WATCH.health()
        yield InfoMetricFamily("brainseg", "The running brainseg.", value={"version": health.brainseg})
        yield _gauge("brainseg_healthy", "1 if nothing needs a person, as /health says.", health.fine)
        yield _gauge("brainseg_store_readable", "1 if the run store can be read.", health.store == "readable")
        yield _gauge("brainseg_worker_missing", "1 if runs wait and no worker is alive.", health.worker == "missing")
        runs = GaugeMetricFamily("brainseg_runs", "Runs by status.", labels=["status"])
        for status in STATUSES:
            runs.add_metric([status.lower()], health.runs.get(status, 0))
        yield runs
        yield _gauge("brainseg_queue_length", "Runs that wait.", health.runs.get("SCHEDULED", 0))
        yield _gauge("brainseg_disk_free_bytes", "Free space on the disk of the home.", health.free)
        yield _gauge("brainseg_disk_kept_free_bytes", "Space that must stay free there.", kept_free())
        yield _gauge("brainseg_memory_available_bytes", "Available memory.", psutil.virtual_memory().available)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=float(value))


REGISTRY.register(_Home())


@contextmanager
def counted_answer(task: str, runs: Sequence[str] = ()) -> Iterator[None]:
    """Count an answer and its seconds, unless a limit refuses it; the audit log gets a line.

    Args:
        task: The task of the models.
        runs: The ids of their runs.

    Raises:
        LimitError: There were too many answers in the last minute, of all together or of the one who asks.
        AccessError: The role of the one who asks does not allow it.
    """
    with acting(Act.DIAGNOSE, " ".join(runs), count=1):
        try:
            ANSWERS_A_MINUTE.take(current().owner.subject)
        except LimitError:
            _REFUSED.inc()
            raise
        with _FAILED.labels(task).count_exceptions(BrainsegError), _SECONDS.labels(task).time():
            yield


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(REGISTRY)
