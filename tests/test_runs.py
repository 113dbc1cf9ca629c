from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from brainseg.errors import RunError
from brainseg.runs import RunStore


def write_metrics(run_id: str, start: int) -> None:
    store = RunStore()
    for step in range(start, start + 25):
        store.log_metrics(run_id, {"valid_loss": step}, step)


def test_a_run_comes_back_as_it_was_made(home, config) -> None:
    store = RunStore()
    made = store.create(config(), "one")
    found = store.get(made.id)
    assert found.config == config()
    assert (found.status, found.name, found.reason) == ("SCHEDULED", "one", "")
    assert [run.id for run in store.list()] == [made.id]
    assert store.list(["FINISHED"]) == []


def test_runs_are_found_by_name_and_by_the_start_of_their_id(home, config) -> None:
    store = RunStore()
    one, two = store.create(config(), "one"), store.create(config(), "twin")
    store.create(config(), "twin")
    assert store.get("one").id == one.id
    assert store.get(two.id[:12]).id == two.id
    with pytest.raises(RunError, match="2 runs match 'twin'"):
        store.get("twin")
    for wanted in ("nobody", "f" * 32, "", "../x"):
        with pytest.raises(RunError, match="There is no run"):
            store.get(wanted)


def test_many_processes_write_at_once(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "busy")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_metrics, args=(run.id, 1000 * number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert len(store.history(run.id, "valid_loss")) == 75


def test_values_that_are_no_numbers_are_left_out(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "odd")
    store.log_metrics(run.id, {"accuracy": float("nan"), "count": 3})
    assert store.get(run.id).metrics == {"count": 3}


def test_files_are_stored_and_missing_ones_are_one_sentence(home: Path, config, tmp_path: Path) -> None:
    store = RunStore()
    run = store.create(config(), "files")
    (tmp_path / "note.txt").write_text("hello")
    store.log_file(run.id, tmp_path / "note.txt")
    assert store.path(run.id, "note.txt").read_text() == "hello"
    assert home in store.path(run.id, "note.txt").parents
    with pytest.raises(RunError, match=r"The run has no bundle: it did not get so far"):
        store.path(run.id, "bundle")
    with pytest.raises(RunError, match="it is SCHEDULED, only a FINISHED run can be used"):
        store.bundle(run)


def test_a_damaged_store_is_one_sentence(home: Path) -> None:
    (home / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RunError, match=r"mlflow.db cannot be opened .* check that it is reachable and whole"):
        RunStore()


def test_a_server_that_is_not_there_is_one_sentence_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(RunError, match="that MLFLOW_TRACKING_URI names cannot be opened") as refused:
        RunStore()
    assert "secret" not in str(refused.value)


def test_runs_of_other_programs_or_versions_are_left_out(home, config) -> None:
    store = RunStore()
    mine, foreign = store.create(config(), "mine"), store.create(config(), "newer")
    store.set_tags(foreign.id, {"brainseg.config": '{"task": "dream"}'})
    store.client.create_run(store.experiment)
    assert [run.id for run in store.list()] == [mine.id]
    with pytest.raises(RunError, match="not made by this version"):
        store.get(foreign.id)
