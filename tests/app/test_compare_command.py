"""`compare` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainseg import DISCLAIMER
from brainseg.evaluation.paired import mcnemar
from brainseg.results.classification.comparison import paired_tests
from brainseg.results.comparison import Comparison, check_comparable
from brainseg.results.comparison import compare as compare_runs
from brainseg.results.comparison_table import group_lines
from brainseg.results.evaluated_runs import read_evaluated_run
from brainseg.runs import RunStore
from tests.app.compare_runs import finished_run
from tests.app.page_text import message
from tests.cli.test_cli import brainseg, here
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


def compared(*names: str) -> Comparison:
    store = RunStore()
    return compare_runs([read_evaluated_run(store, store.get(name)) for name in names])


def test_json_holds_figures_tests_and_disagreements(home: Path, three) -> None:
    done = brainseg("compare", "good", "bad", "elsewhere", "--json", home=home)
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


def test_words_hold_the_same(home: Path, three) -> None:
    done = here("compare", "good", "bad", "elsewhere", home=home)
    assert done.returncode == 0, done.stderr
    comparison = compared("good", "bad", "elsewhere")
    lines = done.stdout.splitlines()
    assert set(group_lines(comparison)) <= set(lines)
    assert comparison.groups == {"A": ["good", "bad"], "B": ["elsewhere"]}
    assert [pair.better for pair in paired_tests(comparison, "A")] == ["good"]
    assert [line.split(";")[0] for line in lines if line.startswith("good and bad: ")] == ["good and bad: separated"]
    assert "bad and elsewhere" not in done.stdout
    assert DISCLAIMER in done.stdout


def test_what_cannot_be_compared_is_one_sentence(home: Path, three, tiny_set) -> None:
    store = RunStore()
    waiting = store.create(tiny_config(tiny_set), "waiting")
    for runs, sentence in (
        (("good", "waiting"), message(check_comparable, [store.get("good"), waiting])),
        (("good", "good"), "twice"),
        (("good", "nobody"), message(store.get, "nobody")),
    ):
        done = here("compare", *runs, home=home)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
