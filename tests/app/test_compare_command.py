"""`compare` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg import DISCLAIMER
from brainseg.evaluation.paired import mcnemar
from brainseg.jobs.workspace import child_environment
from brainseg.runs import RunStore
from tests.app.compare_runs import finished_run
from tests.conftest import tiny_config


@pytest.fixture
def three(home: Path, tiny_set: Path, tmp_path: Path) -> None:
    """`good` and `bad` on the same images, `elsewhere` on others."""
    store = RunStore()
    for name, seed, skill, images in (
        ("good", 1, 0.97, slice(None)),
        ("bad", 2, 0.5, slice(None)),
        ("elsewhere", 3, 0.9, slice(0, 20)),
    ):
        facts = {"seed": seed, "skill": skill, "images": images}
        finished_run(store, tiny_config(tiny_set), name, tmp_path / "runs", **facts)


def compare(*runs: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "brainseg", "compare", *runs]
    return subprocess.run(command, capture_output=True, text=True, env=child_environment())


def test_json_holds_figures_tests_and_disagreements(three) -> None:
    done = compare("good", "bad", "elsewhere", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["comparable"] is False
    assert [row["images"] for row in answer["runs"]] == ["A", "A", "B"]
    assert [row["count"] for row in answer["runs"]] == [40, 40, 20]
    (pair,) = answer["sets"][0]["pairs"]
    assert pair["better"] == "good"
    assert pair["p"] == pytest.approx(mcnemar(pair["only_first"], pair["only_second"]))
    differing = answer["sets"][0]["disagreements"]
    assert len(differing) == pair["only_first"] + pair["only_second"]
    assert all(row["prediction good"] != row["prediction bad"] for row in differing)
    assert answer["sets"][1]["pairs"] == []
    assert answer["disclaimer"] == DISCLAIMER


def test_words_hold_the_same(three) -> None:
    done = compare("good", "bad", "elsewhere")
    assert done.returncode == 0, done.stderr
    assert "Not comparable as a whole" in done.stdout
    assert "Set B, 20 validation images of tiny: elsewhere." in done.stdout
    assert "good and bad: separated; " in done.stdout
    assert "bad and elsewhere" not in done.stdout
    assert DISCLAIMER in done.stdout


def test_what_cannot_be_compared_is_one_sentence(three, tiny_set) -> None:
    RunStore().create(tiny_config(tiny_set), "waiting")
    for runs, sentence in (
        (("good", "waiting"), "Run 'waiting' cannot be compared: it is SCHEDULED"),
        (("good", "good"), "A run is named twice"),
        (("good", "nobody"), "There is no run 'nobody'"),
    ):
        done = compare(*runs)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
