"""The rows of `benchmarks.speed`: what they ask, how they are stored and shown. Nothing is timed here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.speed import report, stored
from benchmarks.speed.command import main, rows_of
from benchmarks.speed.families import FAMILIES, QUESTIONS, chosen
from benchmarks.speed.question import Found, Question, Target, at_most, fraction, times, under
from benchmarks.speed.rows.diagnosis import per_answer
from benchmarks.speed.session import Session
from benchmarks.speed.table import growth_table, limits_table, main_table, seconds
from benchmarks.speed.timing import Timing, extrapolated, middle
from tests.conftest import PROJECT_ROOT

WANTED = {
    **{f"epoch-resnet{depth}": 5 for depth in (34, 50, 101, 152)},
    "epoch-resnet34-rate": 0.50,
    **{f"epoch-resnet{depth}-rate": 0.35 for depth in (50, 101, 152)},
    **{f"epoch-resnet{depth}-build": 1.6 for depth in (34, 50)},
    "protocol": 6,
    "protocol-accuracy": 1,
    "unet": 3,
    "busy-process": 1 / 1.8,
    "two-trainings": 1 / 2.3,
    **{f"diagnosis-resnet{depth}": 8 for depth in (34, 50)},
    **{f"diagnosis-resnet{depth}-forward": 1 / 1.15 for depth in (34, 50)},
    **{f"diagnosis-resnet{depth}-build": 2 for depth in (34, 50)},
    "mask": 5,
    "batch-loop": 20,
    "batch-get-preds": 4,
    "panels": 4,
    "prepare-first": 2,
    **{name: 2 for name in ("help", "first-page", "first-answer")},
    "make-test": 1.5,
}
"""Row -> the least ratio of the baseline's time to ours that the project wants to reach."""
ABSOLUTE = {"prepare-second": 1, "pages-1000": 0.3}
STATED = {"unet-preset", "pages-flat", "memory-training", "memory-diagnosis", "memory-1000", "memory-16-sessions"}


def test_every_row_has_the_target_that_the_project_wants() -> None:
    rows = {name: each for name, each in QUESTIONS.items() if not each.of_limits and not each.growth}
    assert set(rows) == set(WANTED) | set(ABSOLUTE) | STATED
    assert {name: rows[name].target.ratio for name in WANTED} == pytest.approx(WANTED)
    assert {name: rows[name].target.seconds for name in ABSOLUTE} == ABSOLUTE


def test_names_are_unique() -> None:
    names = [each.name for family in FAMILIES for each in family.questions]
    assert len(names) == len(set(names))
    assert len(FAMILIES) == len({family.name for family in FAMILIES})


def test_rows_are_chosen_by_family_or_by_name() -> None:
    assert [family.name for family in chosen(["mask", "batch-loop"])] == ["mask", "batch"]
    assert chosen([]) == FAMILIES
    with pytest.raises(ValueError, match="'nothing' is no row"):
        chosen(["nothing"])


def test_the_median_counts_and_wall_and_cpu_time_are_told_apart() -> None:
    assert middle([Timing(1, 9), Timing(5, 2), Timing(2, 4)]) == Timing(2, 4)
    turns = [{"each": [1.0, 2.0], "cpu": 8.0}, {"each": [3.0, 9.0], "cpu": 4.0}]
    assert per_answer(turns) == Timing(2.5, 3.0)


def test_the_start_of_a_command_counts_once_when_images_are_scaled() -> None:
    # 4 s to start, 0.5 s of wall and 1 s of CPU time per image
    found = extrapolated((1, Timing(4.5, 5)), (200, Timing(104, 204)), 1000)
    assert (found.wall, found.cpu) == pytest.approx((504, 1004))


@pytest.mark.parametrize(
    ("target", "found", "ratio", "reached"),
    [
        (times(5), Found("a", Timing(10), Timing(2)), 5, True),
        (times(5), Found("a", Timing(10), Timing(2.1)), 10 / 2.1, False),
        (at_most(1.8, "as long"), Found("a", Timing(1), Timing(1.7)), 1 / 1.7, True),
        (at_most(1.8, "as long"), Found("a", Timing(1), Timing(1.9)), 1 / 1.9, False),
        (fraction(0.5, "that rate"), Found("a", Timing(4), Timing(10)), 0.4, False),
        (under(0.3), Found("a", None, Timing(0.2)), None, True),
        (under(0.3), Found("a", None, Timing(0.4)), None, False),
        (Target("flat", 0.95), Found("a", ratio=0.99), 0.99, True),
        (Target("stated"), Found("a", values={"ours_mb": 3}), None, None),
        (times(2), Found("a", missing="no history"), None, None),
    ],
)
def test_a_target_is_reached_by_the_ratio_of_times(target, found, ratio, reached) -> None:
    assert found.found_ratio == pytest.approx(ratio) if ratio else found.found_ratio is None
    assert found.reached(target) is reached


def a_row(name: str = "mask", **values: object) -> stored.Row:
    found = Found(name, **{"baseline": Timing(10, 20), "ours": Timing(2, 3), **values})
    return stored.row_of(QUESTIONS[name], found, Session())


def test_a_stored_row_has_the_promised_fields(tmp_path: Path) -> None:
    file = tmp_path / "latest.json"
    stored.write_rows([a_row(), a_row("help", note="Twice.")], file)
    first, second = json.loads(file.read_text())
    assert (first["what"], first["baseline_s"], first["ours_s"]) == (QUESTIONS["mask"].what, 10, 2)
    assert (first["ratio"], first["target"], first["reached"]) == (5, 5, True)
    assert (first["baseline_cpu_s"], first["ours_cpu_s"]) == (20, 3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", first["date"])
    assert first["machine"]
    assert {"torch", "fastai", "python"} <= set(first["versions"])
    assert second["note"] == "Twice."
    assert stored.read_rows(file) == [first, second]


def test_new_rows_replace_those_of_the_same_name_only() -> None:
    before, now = [a_row("help"), a_row("mask"), {**a_row("mask"), "name": "gone"}], [a_row("mask", ours=Timing(1))]
    assert [(row["name"], row["ours_s"]) for row in stored.merged(before, now, QUESTIONS)] == [("mask", 1), ("help", 2)]


def test_a_row_without_a_number_says_why_in_the_table() -> None:
    (family,) = chosen(["mask"])
    (row,) = rows_of(family, [], "It needs a library.", Session())
    table = main_table([row])
    assert "not measured" in table
    assert "It needs a library." in table


def test_the_tables_show_every_row_and_number_notes() -> None:
    rows = [
        a_row(note="Scaled."),
        a_row("help", ours=Timing(8), note="Scaled."),
        a_row("memory-1000", baseline=None, ours=None, ratio=0.99, values={"first_mb": 1204, "last_mb": 1210}),
    ]
    lines = main_table(rows).splitlines()
    assert len({len(line) for line in lines[:5]}) == 1, "columns are aligned"
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        f"{QUESTIONS['mask'].what} (1)", QUESTIONS["mask"].baseline, "10.0", "2.00", "20.0 / 3.00", "5.00", "5 times",
        "yes",
    ]  # fmt: skip
    assert "| no " in lines[3]
    assert "first 1,204 MB, last 1,210 MB" in lines[4]
    assert lines[-1] == "(1) Scaled."


def test_limits_and_curves_have_tables_of_their_own() -> None:
    limit = stored.row_of(QUESTIONS["limit-bf16"], Found("limit-bf16", values={"GFLOP/s": 2212.3}), Session())
    point = stored.row_of(QUESTIONS["step-320px"], Found("step-320px", ours=Timing(0.5)), Session())
    assert limits_table([limit, point]).endswith("| 2,212 GFLOP/s |")
    assert growth_table([limit, point]).splitlines()[-1].endswith(f"| {seconds(0.5)}   |")
    assert main_table([limit, point]) == limits_table([point]) == growth_table([limit]) == ""


def test_the_growth_with_images_shows_the_newest_row_of_each_size() -> None:
    steps = {
        "open_again": {"seconds": 1.5, "cpu": 2, "peak_mb": 300},
        "prepare": {"seconds": 12, "cpu": 20, "peak_mb": 90},
    }
    rows = [{"images": 10_000, "steps": steps}, {"images": 1000, "steps": {}}, {"images": 1000, "steps": steps}]
    lines = report.images_table(rows).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        "images", "open again, s", "prepare, s", "peak of memory, MB",
    ]  # fmt: skip
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == ["1,000", "1.50", "12.0", "300"]
    assert len(lines) == 4


def test_an_unknown_row_is_refused_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nothing"]) == 2
    assert "--list names them" in capsys.readouterr().err


def test_one_failing_family_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "latest.json"
    assert main(["--only", "suite", "sessions", "--out", str(out), "--cache", str(tmp_path)]) == 0
    assert {row["name"] for row in stored.read_rows(out)} == {"make-test", "memory-16-sessions"}
    assert "[2/2] suite" in capsys.readouterr().err


def test_the_stored_rows_agree_with_their_own_times() -> None:
    rows = stored.read_rows()
    assert [row["name"] for row in rows] == [name for name in QUESTIONS if name in {row["name"] for row in rows}]
    for row in rows:
        if row["baseline_s"] and row["ours_s"] and not row["missing"]:
            assert row["ratio"] == pytest.approx(row["baseline_s"] / row["ours_s"], rel=2e-3), row["name"]
        if row["target"] and row["ratio"]:
            assert row["reached"] is (row["ratio"] >= row["target"]), row["name"]


def test_the_page_shows_the_stored_rows() -> None:
    """If this fails after a measurement, run `python -m benchmarks.speed --report`."""
    text = report.PAGE.read_text("utf-8")
    assert report.filled(text, report.tables()) == text
    assert set(re.findall(r"<!-- table (\S+):", text)) == set(report.tables())


def test_the_page_names_only_commands_that_exist() -> None:
    text = report.PAGE.read_text("utf-8")
    for module in set(re.findall(r"python -m (benchmarks\.\w+)", text)) - {
        *report.CURVES.values(),
        "benchmarks.growth",
    }:
        place = PROJECT_ROOT / module.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file(), module


def test_a_question_without_a_target_reaches_nothing() -> None:
    assert Found("a", Timing(1), Timing(1)).reached(Question("a", "what").target) is None
