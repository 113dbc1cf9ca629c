"""`/health` and `/metrics`, asked for as programs do, and the metrics of answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response

from brainseg.app.endpoints import ROUTES
from brainseg.errors import ConfigError, DataError, LimitError
from brainseg.jobs import queue
from brainseg.operations import health, metrics
from brainseg.operations.access import metrics_for_all
from brainseg.runs import RunStore


@pytest.fixture(autouse=True)
def always_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CURRENT", -1.0)


def get(path: str, client: str = "127.0.0.1", **headers: str) -> Response:
    """Return what the server answers; `test_server_settings` asks a real one."""
    (route,) = (route for route in ROUTES if route.path == path)
    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    return route.endpoint(Request({"type": "http", "client": (client, 5000), "headers": named}))


def state() -> tuple[int, dict[str, object]]:
    answer = get("/health")
    return answer.status_code, json.loads(answer.body)


def values() -> dict[str, float]:
    text = get("/metrics").body.decode()
    return {
        "".join([sample.name, *(f" {value}" for value in sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_follows_store_queue_and_disk(home: Path, config, monkeypatch) -> None:
    code, found = state()
    assert code == 200
    assert {"status": "ok", "store": "readable", "worker": "idle", "disk": "enough"}.items() <= found.items()
    assert str(home) not in get("/health").body.decode()

    store = RunStore()
    waiting = store.create(config(), "waits")
    code, found = state()
    assert (code, found["worker"], found["runs"]) == (503, "missing", {"SCHEDULED": 1})
    found = values()
    assert (found["brainseg_queue_length"], found["brainseg_worker_missing"], found["brainseg_healthy"]) == (1, 1, 0)
    assert (found["brainseg_runs scheduled"], found["brainseg_runs finished"]) == (1, 0)
    with queue.queue_lock():
        queue._take(store, waiting)
    assert state()[1]["worker"] == "working"
    store.set_status(waiting.id, "FINISHED")

    free = shutil.disk_usage(home).free
    monkeypatch.setenv("BRAINSEG_KEEP_FREE_MB", str(free / 1e6 + 1000))
    assert state()[1]["disk"] == "full"
    monkeypatch.delenv("BRAINSEG_KEEP_FREE_MB")
    (home / "mlflow.db").write_bytes(b"no database" * 1000)
    code, found = state()
    assert (code, found["store"]) == (503, "unreadable")
    assert values()["brainseg_store_readable"] == 0


def test_metrics_count_answers_and_are_for_this_machine_unless_opened(home: Path, monkeypatch) -> None:
    before = values()
    monkeypatch.setenv("BRAINSEG_MAX_ANSWERS_PER_MINUTE", "2")
    with metrics.counted_answer("classify"):
        pass
    with pytest.raises(DataError), metrics.counted_answer("classify"):
        raise DataError("An image is damaged.")
    with (
        pytest.raises(LimitError, match="The limit of 2 for answers a minute is reached"),
        metrics.counted_answer("segment"),
    ):
        pass
    after = values()
    grown = {name: after[name] - before.get(name, 0) for name in after if name.startswith("brainseg_answer")}
    assert grown["brainseg_answer_seconds_count classify"] == 2
    assert grown["brainseg_answers_failed_total classify"] == 1
    assert grown["brainseg_answers_refused_total"] == 1
    assert {"process_resident_memory_bytes", "brainseg_memory_available_bytes", "brainseg_disk_free_bytes"} <= {*after}

    assert get("/metrics", "10.0.0.7").status_code == 403
    assert get("/metrics", **{"x-forwarded-for": "10.0.0.7"}).status_code == 403
    assert get("/health", "10.0.0.7").status_code == 200
    monkeypatch.setenv("BRAINSEG_METRICS", "network")
    assert get("/metrics", "10.0.0.7").status_code == 200
    monkeypatch.setenv("BRAINSEG_METRICS", "everyone")
    with pytest.raises(ConfigError, match="set it to local or network"):
        metrics_for_all()


def test_asking_often_reads_the_store_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(health, "CURRENT", 60.0)
    monkeypatch.setattr(health, "home_health", lambda: asked.append(1))
    watch = health.Watch()
    for _ in range(5):
        watch.health()
    assert len(asked) == 1
