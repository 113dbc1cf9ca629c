from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from brainseg.errors import RunError, UnreachableStoreError
from brainseg.jobs.removal import delete
from brainseg.jobs.workspace import Workspace
from brainseg.runs import RunStore
from brainseg.runs.labels import parse_tags, tag_text
from brainseg.runs.run import default_run


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
    as_long_as_an_id = store.create(config(), "kaggle253 resnet34 local exact 0")
    assert len(as_long_as_an_id.name) == len(one.id)
    assert store.get(as_long_as_an_id.name).id == as_long_as_an_id.id
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
    store.log_metrics(run.id, {"accuracy": float("nan"), "loss": float("inf"), "low": float("-inf"), "count": 3})
    assert store.get(run.id).metrics == {"count": 3}


def test_files_are_stored_and_missing_ones_are_one_sentence(home: Path, config, tmp_path: Path) -> None:
    store = RunStore()
    run = store.create(config(), "files")
    (tmp_path / "note.txt").write_text("hello")
    store.log_file(run.id, tmp_path / "note.txt")
    assert store.path(run.id, "note.txt").read_text() == "hello"
    assert home in store.path(run.id, "note.txt").parents
    with pytest.raises(RunError, match=r"The run has no bundle: it did not get that far"):
        store.path(run.id, "bundle")
    with pytest.raises(RunError, match="it is SCHEDULED, and only a FINISHED run can be used"):
        store.bundle(run)


def test_a_damaged_store_is_one_sentence(home: Path) -> None:
    (home / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RunError, match=r"mlflow.db is not a database: move that file away"):
        RunStore()


def test_a_server_that_is_not_there_is_one_sentence_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(UnreachableStoreError, match="that MLFLOW_TRACKING_URI names does not answer") as refused:
        RunStore()
    assert "secret" not in str(refused.value)


def test_runs_of_other_programs_or_versions_are_left_out(home, config) -> None:
    store = RunStore()
    mine, foreign = store.create(config(), "mine"), store.create(config(), "newer")
    store.set_tags(foreign.id, {"brainseg.config": '{"task": "dream"}'})
    store.client.create_run(store.experiment)
    assert [run.id for run in store.list()] == [mine.id]
    with pytest.raises(RunError, match=r"Run 'newer' .* cannot be read: "):
        store.get(foreign.id)


def test_a_run_is_renamed_tagged_and_noted(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "one", "FINISHED")
    store.rename(run.id, "  first light ")
    store.write_note(run.id, "Two slices look odd.\n")
    store.tag(run.id, {"checked": "", "reader": "first"})
    found = store.get("first light")
    assert (found.id, found.note, found.tags) == (
        run.id,
        "Two slices look odd.",
        {"checked": "", "reader": "first"},
    )
    store.tag(run.id, {"reader": "second"})
    store.write_note(run.id, "")
    assert (store.get(run.id).tags, store.get(run.id).note) == ({"reader": "second"}, "")
    assert store.get(run.id).config == config()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "two\nlines", "a\u202eb", "f" * 32])
def test_what_cannot_be_a_name_is_refused(home, config, name: str) -> None:
    store = RunStore()
    run = store.create(config(), "one")
    with pytest.raises(RunError, match="is not a valid name"):
        store.rename(run.id, name)
    assert store.get(run.id).name == "one"


def test_a_name_that_is_taken_is_refused_but_ones_own_is_not(home, config) -> None:
    store = RunStore()
    one, two = store.create(config(), "one"), store.create(config(), "two")
    with pytest.raises(RunError, match=f"Run {one.id[:8]} is already called 'one'"):
        store.rename(two.id, "one")
    store.rename(one.id, "one")
    assert store.get("two").id == two.id


def test_tags_are_read_as_words_and_values() -> None:
    assert parse_tags(["checked", "reader = first of two", "a b=1=2"]) == {
        "checked": "",
        "reader": "first of two",
        "a b": "1=2",
    }
    assert parse_tags(tag_text(*item) for item in {"a": "", "b": "c"}.items()) == {"a": "", "b": "c"}
    for wrong in ("", "=x", "brainseg.config=1", "mlflow.user=me", "a/b", "x" * 201, "a=two\nlines"):
        with pytest.raises(RunError, match="is not a valid tag"):
            parse_tags([wrong])


def test_a_note_that_is_too_long_is_refused(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "one")
    with pytest.raises(RunError, match="4001 characters, but at most 4000 are allowed"):
        store.write_note(run.id, "x" * 4001)


def test_a_deleted_run_leaves_nothing(home: Path, config, tmp_path: Path) -> None:
    store = RunStore()
    run, other = store.create(config(), "one", "FINISHED"), store.create(config(), "other", "FINISHED")
    (tmp_path / "note.txt").write_text("hello")
    for each in (run, other):
        store.log_file(each.id, tmp_path / "note.txt")
        Workspace(each.id).make()
    assert delete(store, "one").id == run.id
    assert [left.id for left in store.list()] == [other.id]
    assert [folder.name for folder in (home / "runs").iterdir()] == [other.id]
    assert [folder.name for folder in (home / "work").iterdir()] == [other.id]
    for wanted in ("one", run.id, run.id[:8]):
        with pytest.raises(RunError, match="There is no run"):
            store.get(wanted)
    assert store.path(other.id, "note.txt").read_text() == "hello"


@pytest.mark.parametrize("status", ["SCHEDULED", "RUNNING"])
def test_a_run_under_way_is_not_deleted(home, config, status: str) -> None:
    store = RunStore()
    run = store.create(config(), "busy", status)
    with pytest.raises(RunError, match=f"Run 'busy' is {status}: stop it before"):
        delete(store, run.id)
    assert store.get(run.id).status == status


def test_weights_that_a_waiting_run_starts_from_are_kept(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "parent", "FINISHED")
    heir = store.create(config({"model.weights": "run:parent"}), "heir")
    with pytest.raises(RunError, match=r"Run 'heir' .* needs the weights of run"):
        delete(store, run.id)
    store.set_status(heir.id, "KILLED")
    delete(store, run.id)
    assert [left.id for left in store.list()] == [heir.id]


def test_deleting_never_empties_a_folder_that_is_not_the_runs(home: Path, config, tmp_path: Path) -> None:
    store = RunStore()
    run = store.create(config(), "moved", "FINISHED")
    (tmp_path / "mine.txt").write_text("keep")
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute("UPDATE runs SET artifact_uri = ?", (tmp_path.as_uri(),))
    store.log_file(run.id, tmp_path / "mine.txt")
    assert store.path(run.id, "mine.txt") == home / "runs" / run.id / "artifacts" / "mine.txt"
    delete(store, run.id)
    assert (tmp_path / "mine.txt").exists()
    assert not (home / "runs" / run.id).exists()
    assert store.list() == []


def test_the_model_on_offer_is_the_promoted_one_or_the_newest(home, config, tmp_path: Path) -> None:
    store = RunStore()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    runs = [store.create(config(), name) for name in ("one", "two", "three")]
    assert default_run(store.list()) is None
    for run in runs:
        store.log_folder(run.id, tmp_path / "bundle", "bundle")
        store.set_status(run.id, "FINISHED")
    assert default_run(store.list()).name == "three"
    store.promote(runs[0].id)
    assert default_run(store.list()).name == "one"
    assert store.get("one").to_dict()["promoted"] is True
    delete(store, runs[0].id)
    assert default_run(store.list()).name == "three"


def test_a_model_no_better_than_chance_is_not_offered_before_one_that_is(home, config) -> None:
    store = RunStore()
    for name, low, chance in (("good", 0.67, 0.5), ("lucky", 0.7, 0.8), ("chance", 0.37, 0.5)):
        run = store.create(config(), name, "RUNNING")
        store.log_metrics(run.id, {"final_accuracy_low": low, "final_chance": chance})
        store.set_status(run.id, "FINISHED")
    assert default_run(store.list()).name == "good"
    assert [run.better_than_chance for run in store.list()] == [False, False, True]
