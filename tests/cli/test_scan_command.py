"""`scan inspect`: what it prints, as JSON and in words, and its exit code."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from brainseg.cli.app import app
from tests.cli.test_cli import assert_refused, here
from tests.scans.volumes.dicom_maker import write_series

VALUES = np.arange(4 * 6 * 5, dtype=np.uint16).reshape(4, 6, 5)


def test_json_has_a_volume_or_an_error_for_each_series(tmp_path):
    write_series(tmp_path / "study" / "a", VALUES)
    write_series(tmp_path / "study" / "b", VALUES)[1].unlink()

    done = CliRunner().invoke(app, ["scan", "inspect", str(tmp_path / "study"), "--json"])
    good, bad = sorted(json.loads(done.stdout)["volumes"], key=lambda volume: "error" in volume)

    assert done.exit_code == 0
    assert (good["shape"], good["orientation"], good["stored_orientation"]) == ([5, 6, 4], "RAS", "LPS")
    assert good["spacing_mm"] == [1.5, 2.0, 3.0]
    assert (good["modality"], good["sequence"]) == ("MR", "T1")
    assert (good["minimum"], good["maximum"]) == (0, 119)
    assert np.array(good["affine"]).shape == (4, 4)
    assert set(bad) == {"name", "error"}


def test_words_are_for_people(tmp_path):
    write_series(tmp_path / "s", VALUES)

    done = CliRunner().invoke(app, ["scan", "inspect", str(tmp_path / "s")])

    assert done.stdout.splitlines() == [
        "s",
        "  DICOM, MR, sequence T1",
        "  5 x 6 x 4 voxels (right, anterior, superior), voxels of 1.5 x 2 x 3 mm; stored as LPS",
        "  values 0 to 119",
    ]


def test_nothing_readable_ends_with_code_2(tmp_path):
    write_series(tmp_path / "s", VALUES)[1].unlink()

    done = CliRunner().invoke(app, ["scan", "inspect", str(tmp_path / "s")])

    assert done.exit_code == 2
    assert "1 slice is missing" in done.stdout


def test_a_study_is_classified_slice_by_slice(finished_home: Path, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(100, 30, (5, 40, 36)).clip(0).astype(np.uint16)
    write_series(tmp_path / "study", values)
    asked = ["predict", "--run", "tuned", tmp_path / "study", "--out", tmp_path / "out"]
    done = here(*asked, "--json", home=finished_home)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    rows = list(csv.DictReader(Path(answer["slices"]).read_text("utf-8").splitlines()))
    assert [int(row["slice"]) for row in rows] == [1, 2, 3, 4, 5]
    positive = answer["positive"]
    assert [float(row[f"probability {positive}"]) for row in rows] == [
        each[positive] for each in answer["probabilities"]
    ]
    assert "3 neighbouring slices all reach" in answer["rule"]
    assert "Planted" not in done.stdout + Path(answer["slices"]).read_text("utf-8")
    assert_refused(here(*asked, home=finished_home), "slices.csv exists already", "name another folder")
    both = here("predict", "--run", "tuned", "--run", "baseline", *asked[3:], home=finished_home)
    assert_refused(both, "--run names several models", "name one")
