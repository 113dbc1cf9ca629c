from __future__ import annotations

import csv
import io

import pytest

from brainseg import DISCLAIMER
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.table import answer_row, answers_csv
from tests.models.conftest import make_classifier


def read(rows: list[dict[str, object]], classes=("no", "yes")) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answers_csv(rows, classes))))


def test_good_and_bad_files_stand_in_one_table(predictor, scans):
    answer = predictor.diagnose(scans[0], method="grad-cam++", stage=3)
    good, bad = read([answer_row("a.png", answer), answer_row("b.png", "b.png is empty (0 bytes).")])
    assert good["file"] == "a.png"
    assert good["label"] == answer.label
    assert float(good["p_yes"]) == pytest.approx(answer.probabilities["yes"])
    assert (good["model"], good["hash"]) == (predictor.name, predictor.bundle.version)
    assert (good["explained"], good["method"], good["layer"]) == (answer.label, "Grad-CAM++", "layer3")
    assert float(good["seconds"]) > 0
    assert bad["error"] == "b.png is empty (0 bytes)."
    assert bad["label"] == good["error"] == good["spread"] == ""
    assert good["disclaimer"] == bad["disclaimer"] == DISCLAIMER


def test_a_map_of_no_class_names_none(predictor, scans):
    (row,) = read([answer_row("a.png", predictor.diagnose(scans[0], method="eigen-cam"))])
    assert row["explained"] == ""


def test_an_ensemble_tells_how_far_it_disagrees(predictor, make_predictor, scans):
    together = diagnose_jointly([predictor, make_predictor(make_classifier(seed=5), name="other")], scans[0])
    (row,) = read([answer_row("a.png", together)])
    assert float(row["spread"]) == pytest.approx(together.probability_range[together.label])
    assert float(row["deviation"]) == pytest.approx(together.deviation[together.label])
    assert int(row["dissenters"]) == len(together.dissenters)
    assert row["hash"].count("+") == 1


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1.png", "-1.png", "@x.png", "\tx.png"])
def test_a_file_name_is_never_a_formula(name, predictor, scans):
    (row,) = read([answer_row(name, predictor.diagnose(scans[0]))])
    assert row["file"] == "'" + name
