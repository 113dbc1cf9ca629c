"""The log of answers: what it keeps, many writers at once, and files that cannot be used."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from brainseg.errors import DataError
from brainseg.monitoring import AnswerLog, AnswerRecord, log_answers
from tests.models.conftest import one_sentence

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
RECORD = AnswerRecord(
    time=NOW.isoformat(timespec="seconds"),
    source="page",
    model="first (0123)",
    bundle_digest="d" * 64,
    image_sha256="a" * 64,
    outcome="not certain",
    label="yes",
    confidence=0.55,
    calibrated=True,
    in_domain=None,
    distance=0.7,
)


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "log.sqlite")
    assert log.read().empty
    others = [
        replace(RECORD, label="", confidence=None, calibrated=False, in_domain=False, distance=None),
        replace(RECORD, in_domain=True),
    ]
    log.add([RECORD])
    log.add(others)
    table = log.read()
    for row, record in zip(table.to_dict(orient="records"), [RECORD, *others], strict=True):
        for name, value in asdict(record).items():
            if name == "time":
                assert row[name] == pd.Timestamp(NOW)
            elif value is None:
                assert pd.isna(row[name])
            else:
                assert row[name] == value
    assert (table["confidence"].dtype, table["in_domain"].dtype) == ("float64", "boolean")


def test_only_the_last_days_are_read(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "log.sqlite")
    for days in (10, 2, 0.5):
        log.add([replace(RECORD, time=(NOW - timedelta(days=days)).isoformat(timespec="seconds"))])
    assert [len(log.read(days, NOW)) for days in (None, 30, 3, 1, 0.1)] == [3, 3, 2, 1, 0]


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "log.sqlite")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: log.add([replace(RECORD, image_sha256=str(number))]), range(80)))
    assert sorted(log.read()["image_sha256"].astype(int)) == list(range(80))


def test_a_cleared_log_holds_nothing_of_the_answers(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "log.sqlite")
    log.clear()
    log.add([RECORD])
    log.clear()
    assert log.read().empty
    assert RECORD.image_sha256.encode() not in log.file.read_bytes()
    log.add([RECORD])
    assert len(log.read()) == 1


def test_a_file_that_cannot_be_used_is_named_in_one_sentence(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database at all, but long enough" * 40)
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 7")
    for file, text in ((damaged, "damaged"), (newer, "newer brainseg"), (tmp_path / "none" / "log", "cannot be used")):
        with pytest.raises(DataError, match=text) as caught:
            AnswerLog(file).add([RECORD])
        one_sentence(caught.value)
        assert str(file) in str(caught.value)


def test_an_answer_is_never_lost_with_its_log(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    (home / "monitoring.sqlite").write_bytes(b"no database at all, but long enough" * 40)
    log_answers([RECORD])
    assert "was not added to the monitoring log" in caplog.text


def test_nothing_is_kept_where_that_is_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_MONITORING", "0")
    log_answers([RECORD])
    assert not (home / "monitoring.sqlite").exists()
    monkeypatch.delenv("BRAINSEG_MONITORING")
    log_answers([RECORD])
    assert len(AnswerLog().read()) == 1
