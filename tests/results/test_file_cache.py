"""Stored tables: one reader with one rule for missing values, which reads a file again only after it changed."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from brainseg.errors import RunError
from brainseg.results import stored_results
from brainseg.results.file_cache import TableCache
from brainseg.results.run_details import details_json, run_details
from brainseg.runs import Run, RunStore

EPOCHS = "phase,epoch,train_loss,valid_loss,accuracy,sensitivity,specificity,learning_rate,seconds\n"


@pytest.fixture
def stored(home: Path, config, tmp_path: Path):
    """Store a file with a finished run."""
    store = RunStore()
    run = store.create(config(), "one", "FINISHED")

    def put(name: str, content: str) -> tuple[RunStore, Run]:
        (tmp_path / name).write_text(content)
        store.log_file(run.id, tmp_path / name)
        return store, run

    return put


def test_a_table_is_read_again_only_after_it_changed(tmp_path: Path) -> None:
    file, read = tmp_path / "table.csv", []
    cache = TableCache(most=2)

    def reader(place: Path) -> pd.DataFrame:
        read.append(place.name)
        return pd.read_csv(place)

    file.write_text("a\n1\n")
    first = cache.get(file, reader)
    first["a"] = 9
    assert list(cache.get(file, reader)["a"]) == [1], "a caller's change must not reach the next one"
    assert len(read) == 1
    (tmp_path / "new.csv").write_text("a\n2\n")
    (tmp_path / "new.csv").replace(file)
    assert list(cache.get(file, reader)["a"]) == [2]
    for name in ("b.csv", "c.csv"):
        (tmp_path / name).write_text("a\n1\n")
        cache.get(tmp_path / name, reader)
    cache.get(file, reader)
    assert read == ["table.csv", "table.csv", "b.csv", "c.csv", "table.csv"]


def test_what_is_missing_is_nan_in_numbers_and_empty_in_texts(stored) -> None:
    store, run = stored("epochs.csv", EPOCHS + "unfrozen,1,0.5,0.4,0.9,,1.0,0.01,2\n")
    stored("split.csv", "path,label,group,sha256,split\nNA/a.png,NA,,ab,train\nb.png,None,null,cd,valid\n")
    stored("hardest.csv", "path,label,prediction,loss\nNA/a.png,NA,None,2.5\n")
    assert math.isnan(stored_results.epochs(store, run)["sensitivity"][0])
    assert stored_results.split(store, run).to_dict("list")["label"] == ["NA", "None"]
    assert list(stored_results.split(store, run)["group"]) == ["", "null"]
    details = run_details(store, run)
    assert details["hardest"] == [{"path": "NA/a.png", "label": "NA", "prediction": "None", "loss": 2.5}]
    assert details["epochs"][0]["epoch"] == 1


def test_details_name_the_damaged_files_and_hold_the_others(stored) -> None:
    store, run = stored("epochs.csv", "nonsense")
    stored("evaluation.json", '{"count": ')
    stored("weights.json", '{"source": "none"}')
    details = run_details(store, run)
    assert (details["epochs"], details["evaluation"], details["weights"]) == ([], None, {"source": "none"})
    assert details_json(details)["evaluation"] == {}
    assert [sentence.split(" ")[0] for sentence in details["damaged"]] == ["epochs.csv", "evaluation.json"]
    with pytest.raises(RunError, match=r"epochs.csv of run 'one' is damaged"):
        stored_results.epochs(store, run)
