"""Decisions about near copies: they are kept by content, hold in splits, and can be taken back."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.datasets.inspection import inspect_dataset
from brainseg.datasets.near_decisions import (
    JUDGED,
    different_pairs,
    judge_copies,
    judge_different,
    judged_in,
    pairs_of,
    with_decisions,
)
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.splits import leak_groups
from brainseg.errors import DataError
from tests.datasets.test_near_copies import as_jpeg, brain
from tests.models.conftest import one_sentence


@pytest.fixture
def pairs(home: Path, tmp_path: Path) -> Path:
    """Six slices, each also saved again as JPEG; the copies of the first have another class."""
    root = tmp_path / "pairs"
    for name in ("no", "yes"):
        (root / name).mkdir(parents=True)
    for seed in range(6):
        image = brain(seed)
        image.save(root / "yes" / f"{seed}.png")
        as_jpeg(image, 80).save(root / ("no" if seed == 0 else "yes") / f"{seed} again.png")
    brain(20).save(root / "no" / "other.png")
    return root


def part(root: Path, first: str, second: str) -> None:
    judge_different(pairs_of(first, [second], inspect_dataset(root).table))


def test_images_that_were_judged_different_are_no_copies_any_more(pairs: Path) -> None:
    before = inspect_dataset(pairs)
    assert len(before.near_pairs) == 6
    assert {finding.kind for finding in before.findings} >= {"near-copies-across-labels"}
    part(pairs, "no/0 again.png", "yes/0.png")
    for after in (inspect_dataset(pairs), open_dataset(pairs)):
        assert len(after.near_pairs) == 5
        kinds = {finding.kind: finding for finding in after.findings}
        assert "near-copies-across-labels" not in kinds
        assert kinds[JUDGED].files == ("no/0 again.png", "yes/0.png")
        twins = after.table.set_index("path")["twin"]
        assert (twins["yes/0.png"], twins["no/0 again.png"]) == ("", "")
        assert twins["yes/1.png"] == twins["yes/1 again.png"] != ""
        groups = leak_groups(after.table)
        assert len(set(groups)) == len(after.table) - 5
    judge_copies(pairs_of("yes/0.png", ["no/0 again.png"], before.table))
    assert inspect_dataset(pairs).near_pairs == before.near_pairs
    assert with_decisions(before) is before


def test_a_decision_holds_wherever_the_images_are(pairs: Path, tmp_path: Path) -> None:
    part(pairs, "yes/1.png", "yes/1 again.png")
    moved = tmp_path / "moved"
    shutil.copytree(pairs, moved)
    (moved / "yes" / "1.png").rename(moved / "yes" / "renamed.png")
    assert judged_in(inspect_dataset(moved).table) == [("yes/1 again.png", "yes/renamed.png")]
    assert len(inspect_dataset(moved).near_pairs) == 5


def test_two_people_who_decide_at_once_lose_nothing(home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: judge_different([(f"{number:064d}", "f" * 64)]), range(40)))
    assert len(different_pairs()) == 40


def test_nothing_is_written_before_a_decision(home: Path) -> None:
    assert different_pairs() == frozenset()
    assert not (home / "datasets" / "near_decisions.json").exists()


@pytest.mark.parametrize(("text", "says"), [("{", "damaged"), ('{"schema": 9, "different": []}', "newer brainseg")])
def test_a_file_that_cannot_be_used_is_named(home: Path, text: str, says: str) -> None:
    judge_different([("a" * 64, "b" * 64)])
    (home / "datasets" / "near_decisions.json").write_text(text)
    with pytest.raises(DataError, match=says) as caught:
        different_pairs()
    one_sentence(caught.value)


def test_the_command_decides_and_refuses_in_sentences(pairs: Path) -> None:
    def run(*arguments: str):
        return CliRunner().invoke(app, ["data", "decide", str(pairs), *arguments])

    assert run("yes/2.png", "yes/2 again.png", "--different").exit_code == 0
    assert judged_in(inspect_dataset(pairs).table) == [("yes/2 again.png", "yes/2.png")]
    assert run("yes/2.png", "yes/2 again.png", "--copies").exit_code == 0
    assert judged_in(inspect_dataset(pairs).table) == []
    for names, says in ((("yes/2.png", "none.png"), "is not an image"), (("yes/2.png", "yes/2.png"), "identical")):
        with pytest.raises(DataError, match=says) as caught:
            raise run(*names, "--different").exception
        one_sentence(caught.value)
