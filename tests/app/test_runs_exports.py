"""The exports of a run, from the page and from the command line."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from brainseg import DISCLAIMER
from brainseg.cli.app import main
from brainseg.errors import RunError
from brainseg.models.bundle import load_bundle
from brainseg.results.exports import bundle_zip, file_stem, predictions_file
from brainseg.results.run_plots import plots_zip
from brainseg.runs import Run, RunStore


def opened(data: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert DISCLAIMER in archive.read("README.txt").decode()
    return archive


def test_a_bundle_that_was_taken_along_still_loads(tuned: Run, tmp_path: Path) -> None:
    store = RunStore()
    opened(bundle_zip(store, tuned)).extractall(tmp_path)
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.description.name == "tuned"
    assert bundle.digest == load_bundle(store.bundle(tuned)).digest


def test_figures_are_pages_and_a_picture_with_the_disclaimer(tuned: Run) -> None:
    archive = opened(plots_zip(RunStore(), tuned))
    pages = [name for name in archive.namelist() if name.endswith(".html")]
    assert {Path(page).stem for page in pages} >= {"confusion_matrix", "metrics", "roc", "precision_recall"}
    assert all(DISCLAIMER in archive.read(page).decode() for page in pages)
    assert "figures/plotly.min.js" in archive.namelist()
    assert Image.open(archive.open("figures/hardest.png")).text["Disclaimer"] == DISCLAIMER


def test_what_cannot_be_drawn_is_named_beside_what_can(tuned: Run) -> None:
    store = RunStore()
    store.path(tuned.id, "predictions.parquet").write_bytes(b"PAR1")
    archive = opened(plots_zip(store, tuned))
    assert "figures/metrics.html" in archive.namelist()
    assert "figures/roc.html" not in archive.namelist()
    assert "predictions.parquet of run 'tuned' is damaged" in archive.read("figures/not-drawn.txt").decode()


def test_predictions_are_those_of_the_evaluation(tuned: Run) -> None:
    store = RunStore()
    found = pd.read_csv(io.BytesIO(predictions_file(store, tuned)), keep_default_na=False)
    stored = pd.read_parquet(store.path(tuned.id, "predictions.parquet"))
    assert found["path"].tolist() == stored["path"].tolist()
    assert found["p_yes"].tolist() == pytest.approx(stored["p_yes"].tolist())
    assert set(found["disclaimer"]) == {DISCLAIMER}


def test_a_run_without_results_has_nothing_to_take_along(home, config) -> None:
    store = RunStore()
    run = store.create(config(), "a/b: ü", "FAILED")
    for export in (bundle_zip, plots_zip, predictions_file):
        with pytest.raises(RunError, match=r"has no(thing| model| predictions)"):
            export(store, run)
    assert file_stem(run) == f"a-b-{run.id[:8]}"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process: exit code, stdout, stderr."""

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["brainseg", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return called


def test_the_command_line_describes_and_promotes_runs(finished_home, command) -> None:
    assert command("rename", "tuned", "best")[0] == 0
    assert command("note", "best", "looks good")[0] == 0
    assert command("tag", "best", "checked", "reader=first")[0] == 0
    code, out, _ = command("tag", "best", "--remove", "checked", "--json")
    assert code == 0
    assert json.loads(out)["tags"] == {"reader": "first"}
    assert command("promote", "baseline")[1].endswith("offered first in Diagnose\n")
    runs = {run["name"]: run for run in json.loads(command("runs", "--json")[1])}
    assert runs["best"]["note"] == "looks good"
    assert (runs["best"]["promoted"], runs["baseline"]["promoted"]) == (False, True)
    listed = command("runs")[1]
    assert ["baseline *" in listed, "best *" in listed] == [True, False]
    assert "Promoted" in command("show", "baseline")[1]
    shown = command("show", "best")[1]
    assert "Tags: reader=first" in shown
    assert "Note: looks good" in shown
    assert "Promoted" not in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rename", "tuned", "baseline"), "is already called 'baseline': choose another name."),
        (("rename", "nobody", "x"), "There is no run 'nobody'"),
        (("tag", "tuned", "--remove", "x"), "Run 'tuned' has no tag 'x': it has none."),
        (("tag", "tuned", "=x"), "'=x' is not a valid tag"),
        (("note", "tuned", "x" * 4001), "at most 4000 are allowed: make it shorter."),
        (("export", "tuned"), "Nothing to export: give"),
        (("delete", "nobody", "--yes"), "There is no run 'nobody'"),
    ],
)
def test_the_command_line_refuses_in_one_sentence(finished_home, command, words, said) -> None:
    code, out, error = command(*words)
    assert (code, out) == (2, "")
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_the_command_line_exports(tuned: Run, command, tmp_path: Path) -> None:
    files = [tmp_path / "new" / name for name in ("b.zip", "f.zip", "p.csv")]
    options = zip(("--bundle", "--figures", "--predictions"), map(str, files), strict=True)
    assert command("export", "tuned", *(word for option in options for word in option))[0] == 0
    assert "bundle/bundle.json" in opened(files[0].read_bytes()).namelist()
    assert "figures/metrics.html" in opened(files[1].read_bytes()).namelist()
    assert len(pd.read_csv(files[2])) == tuned.metrics["final_count"]


def test_two_exports_never_go_into_one_file(tuned: Run, command, tmp_path: Path) -> None:
    (tmp_path / "link.zip").symlink_to(tmp_path / "a.zip")
    code, out, error = command(
        "export", "tuned", "--bundle", str(tmp_path / "a.zip"), "--figures", str(tmp_path / "link.zip")
    )
    assert (code, out) == (2, "")
    assert "Two of the files to write are the same" in error
    assert not (tmp_path / "a.zip").exists()


def test_the_case_of_letters_does_not_make_two_files(tuned: Run, command, tmp_path: Path) -> None:
    files = str(tmp_path / "a.zip"), str(tmp_path / "A.zip")
    code, _, error = command("export", "tuned", "--bundle", files[0], "--figures", files[1])
    assert (code, "Two of the files to write are the same" in error) == (2, True)


def test_plots_of_two_runs_never_replace_each_other(tuned: Run, command, tmp_path: Path) -> None:
    folder = tmp_path / "plots"

    def drawn(name: str) -> list[Path]:
        code, out, error = command("show", name, "--figures", str(folder), "--json")
        assert code == 0, error
        return [Path(file) for file in json.loads(out)["figures"]]

    first = drawn("tuned")
    before = {file: file.read_bytes() for file in first}
    second = drawn("baseline")
    assert {file.parent for file in first} == {folder}
    assert {file.parent for file in second} == {folder / f"baseline-{RunStore().get('baseline').id[:8]}"}
    assert {file: file.read_bytes() for file in first} == before
    assert (drawn("tuned"), drawn("baseline")) == (first, second)  # each finds its own again
    before = {file: file.read_bytes() for file in first}
    (folder / "run.txt").unlink()
    assert {file.parent.parent for file in drawn("tuned")} == {folder}  # whose these are is not known any more
    assert {file: file.read_bytes() for file in first} == before


def test_plots_go_into_no_file(tuned: Run, command, tmp_path: Path) -> None:
    (tmp_path / "plots").touch()
    code, _, error = command("show", "tuned", "--figures", str(tmp_path / "plots"))
    assert (code, len(error.strip().splitlines())) == (2, 1)
    assert "cannot be used as a folder" in error


def test_deleting_asks_unless_it_is_told_not_to(tuned: Run, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert command("delete", "tuned")[0] == 1
    assert RunStore().get("tuned").id == tuned.id
    code, out, error = command("delete", "tuned", "--yes")
    assert (code, "deleted" in out) == (0, True)
    assert "the one that Diagnose offers first" in error
    assert [run.name for run in RunStore().list()] == ["baseline"]
