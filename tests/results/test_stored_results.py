from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainseg.errors import RunError
from brainseg.evaluation.stored import SCHEMA
from brainseg.jobs.workspace import Workspace
from brainseg.results import stored_results as run_results
from brainseg.results.stored_dataset import stored_report
from brainseg.runs import RunStore

CURVE = '{"learning_rate": [1], "loss": [0.5], "smoothed_loss": [1], "suggestion": 1}'


@pytest.fixture
def stored(home: Path, config, tmp_path: Path):
    """Store files with a finished run: name=content."""
    store = RunStore()
    run = store.create(config(), "one", "FINISHED")

    def put(name: str, content: str):
        (tmp_path / name).write_text(content)
        store.log_file(run.id, tmp_path / name)
        return store, run

    return put


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("evaluation.json", "[1, 2]", run_results.evaluation),
        ("evaluation.json", '{"count": 3}', run_results.evaluation),
        ("evaluation.json", "\ud7ff{", run_results.evaluation),
        ("learning_rate.json", CURVE.replace("0.5", '"x"'), run_results.learning_rate),
        ("learning_rate.json", CURVE.replace("0.5", "0.5, 1"), run_results.learning_rate),
        ("dataset.json", "{broken", stored_report),
        ("dataset.json", '{"fingerprint": "f", "images": 3}', stored_report),
        ("heatmaps.json", '{"slices": 2}', run_results.heatmaps),
        ("weights.json", "[1]", run_results.weights),
        ("epochs.csv", "epoch,loss\n1,2\n", run_results.epochs),
        ("epochs.csv", "", run_results.epochs),
        ("split.csv", "path\na\n", run_results.split),
        ("predictions.parquet", "PAR1", lambda store, run: run_results.predictions(store, run, ["a", "b"])),
    ],
)  # fmt: skip
def test_a_damaged_file_is_one_sentence_with_its_name(stored, name: str, content: str, read) -> None:
    store, run = stored(name, content)
    with pytest.raises(RunError, match=f"^{name} of run 'one' is damaged.*train the run again.$"):
        read(store, run)


def test_the_finders_curve_comes_back(stored) -> None:
    curve, suggestion = run_results.learning_rate(*stored("learning_rate.json", CURVE))
    assert curve.to_dict("list") == {"learning_rate": [1.0], "loss": [0.5], "smoothed_loss": [1.0]}
    assert suggestion == 1


def test_what_does_not_exist_is_none(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "one", "FINISHED")
    assert run_results.evaluation(store, run) is None
    assert stored_report(store, run) is None
    assert run_results.learning_rate(store, run) is None
    assert run_results.epochs(store, run) is None
    assert run_results.predictions(store, run, ["a"]) is None
    assert run_results.split(store, run) is None
    assert run_results.digests(store, run) == {}
    assert run_results.log_text(store, run) == ""


def test_classes_called_none_or_na_are_kept(stored) -> None:
    header = "path,label,group,sha256,split\n"
    store, run = stored("split.csv", header + "a.png,None,NA,1f,train\nb.png,null,,2e,valid\n")
    table = run_results.split(store, run)
    assert table["label"].tolist() == ["None", "null"]
    assert table["group"].tolist() == ["NA", ""]
    assert run_results.digests(store, run) == {"a.png": "1f", "b.png": "2e"}


def test_the_log_is_read_live_and_from_the_store(stored) -> None:
    store, run = stored("log.txt", "stored\n")
    assert run_results.log_text(store, run) == "stored"
    Workspace(run.id).make()
    Workspace(run.id).log.write_bytes(b"x" * 300_000 + b"\xff live\n")
    text = run_results.log_text(store, run)
    assert text.endswith("\ufffd live")
    assert len(text) <= run_results.LOG_BYTES


EVALUATION = {"count": 3, "classes": ["a", "b"], "positive": "b", "matrix": [[1, 0], [0, 2]], "per_class": {}}


@pytest.mark.parametrize("version", [{}, *({"schema": number + 1} for number in range(SCHEMA))])
def test_evaluations_of_all_versions_are_read(stored, version: dict) -> None:
    assert run_results.evaluation(*stored("evaluation.json", json.dumps({**version, **EVALUATION})))["count"] == 3


def test_an_evaluation_of_a_newer_brainseg_says_so(stored) -> None:
    store, run = stored("evaluation.json", json.dumps({"schema": SCHEMA + 1, **EVALUATION}))
    words = f"has schema {SCHEMA + 1}, and this brainseg reads up to {SCHEMA}: install a newer brainseg"
    with pytest.raises(RunError, match=words):
        run_results.evaluation(store, run)
