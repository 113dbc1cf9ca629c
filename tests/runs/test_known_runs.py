from __future__ import annotations

import pytest

from brainseg.runs import RunStore, reading


def test_only_runs_that_changed_are_checked_again(home, config, monkeypatch: pytest.MonkeyPatch) -> None:
    store, checked, original = RunStore(), [], reading.read_run
    runs = [store.create(config(), name) for name in ("first", "second", "third")]
    before = {run.id: run for run in store.list()}
    monkeypatch.setattr(
        reading, "read_run", lambda found, home: checked.append(found.info.run_id) or original(found, home)
    )
    store.log_metrics(runs[1].id, {"accuracy": 0.5})
    after = {run.id: run for run in store.list()}
    assert checked == [runs[1].id]
    assert after[runs[1].id].metrics == {"accuracy": 0.5}
    assert after[runs[0].id] is before[runs[0].id]
    assert after == {run.id: run for run in RunStore().list()}

    store.set_status(runs[2].id, "FAILED")
    store.delete(runs[2].id)
    assert {run.id for run in store.list()} == {runs[0].id, runs[1].id}
    assert runs[2].id not in store._known._known
