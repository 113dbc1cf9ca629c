"""The parts of Diagnose that need no page: exports, remembered answers, and the figure."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from brainseg import DISCLAIMER
from brainseg.app.diagnose import answers as diagnose_answers
from brainseg.app.diagnose.answers import Answered, Answers
from brainseg.app.diagnose.cases import Case, Unreadable
from brainseg.app.diagnose.exports import csv_file, png_file, zip_file
from brainseg.app.diagnose.heatmap_options import HeatmapOptions
from brainseg.diagnosis.images import CAPTION, squared
from brainseg.diagnosis.predictor import Predictor
from brainseg.plots.class_probabilities import MOST, probability_figure
from brainseg.scans import Scan, read_scan
from tests.diagnosis.conftest import draw_head
from tests.models.conftest import make_classifier, store


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.open(store(tmp_path_factory.mktemp("bundle"), make_classifier()))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> list[Scan]:
    folder: Path = tmp_path_factory.mktemp("scans")
    for seed in range(3):
        Image.fromarray(draw_head(seed)).save(folder / f"{seed}.png")
    return [read_scan(file) for file in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def answered(predictor, scans) -> list[Answered | Unreadable]:
    good = [Answered(Case(scan.name, scan), predictor.diagnose(scan)) for scan in scans[:2]]
    return [*good, Unreadable("b.png", "b.png is empty.")]


def test_the_table_holds_every_file_and_the_disclaimer(answered) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_file(answered, ["no", "yes"]).decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == ["0.png", "1.png", "b.png"]
    assert [row["error"] for row in rows] == ["", "", "b.png is empty."]
    assert {row["disclaimer"] for row in rows} == {DISCLAIMER}
    assert float(rows[0]["p_yes"]) == pytest.approx(answered[0].answer.probabilities["yes"])


def test_the_picture_carries_caption_and_disclaimer(answered) -> None:
    with Image.open(io.BytesIO(png_file(answered[0], 0.5))) as picture:
        assert (picture.text["Disclaimer"], picture.text["Caption"]) == (DISCLAIMER, CAPTION)
        assert picture.text["Bundle digest"] == answered[0].answer.digest


def test_the_archive_holds_the_table_and_the_pictures_of_good_files(answered) -> None:
    with zipfile.ZipFile(io.BytesIO(zip_file(answered, ["no", "yes"], 0.5))) as archive:
        names = archive.namelist()
        assert names[0] == "diagnosis.csv"
        assert [name[:3] for name in names[1:]] == ["01-", "02-"]
        assert archive.read(names[1]) == png_file(answered[0], 0.5)


def test_files_of_one_name_do_not_replace_each_other(answered) -> None:
    same = [Answered(Case("x.png", answered[0].case.scan), answered[0].answer)] * 2
    with zipfile.ZipFile(io.BytesIO(zip_file(same, ["no", "yes"], 0.5))) as archive:
        assert len(set(archive.namelist())) == 3


def test_answers_are_kept_by_image_model_and_options_up_to_a_size(predictor, scans, monkeypatch) -> None:
    monkeypatch.setattr(diagnose_answers.model_cache, "predictor", lambda run_id: predictor)
    member = SimpleNamespace(version=predictor.bundle.version, run=SimpleNamespace(id="x"))
    kept = Answers()
    first = kept.classify(scans[0], [member], HeatmapOptions())
    assert kept.classify(scans[0], [member], HeatmapOptions()) is first
    assert kept.classify(scans[0], [member], HeatmapOptions(stage=2)) is not first
    assert kept.classify(scans[0], [SimpleNamespace(version="b", run=member.run)], HeatmapOptions()) is not first
    assert kept.classify(scans[1], [member], HeatmapOptions()) is not first
    small = Answers(memory=1)
    assert small.classify(scans[0], [member], HeatmapOptions()) is small.classify(scans[0], [member], HeatmapOptions())
    small.classify(scans[1], [member], HeatmapOptions())
    assert len(small._kept) == 1


@pytest.mark.parametrize("shape", [(40, 20), (20, 40, 3), (1, 300), (64, 64, 3)])
def test_a_square_keeps_proportions_and_range(shape) -> None:
    values = np.full(shape, 200, dtype=np.uint8)
    square = squared(values, 64)
    assert square.shape == (64, 64, *shape[2:])
    assert square.dtype == np.uint8
    filled = (square > 0).reshape(64, 64, -1).any(axis=2)
    height, width = shape[:2]
    assert filled.any(axis=1).sum() == max(1, round(64 * height / max(height, width)))
    assert filled.any(axis=0).sum() == max(1, round(64 * width / max(height, width)))


@pytest.mark.parametrize("dark", [True, False])
def test_bars_show_the_likeliest_class_on_top_and_never_certainty(dark) -> None:
    figure = probability_figure({"no": 1e-9, "yes": 1 - 1e-9}, dark=dark)
    bars = figure.data[0]
    assert list(bars.x) == [1 - 1e-9, 1e-9]
    assert [row[1] for row in bars.customdata] == ["over 99 %", "under 1 %"]
    assert "yes" in figure.layout.yaxis.ticktext[0]
    texts = [note.text for note in figure.layout.annotations]
    assert "<b>over 99 %</b>" in texts
    assert DISCLAIMER in texts
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the first row is on top"


def test_members_are_marks_of_their_own_beside_the_mean() -> None:
    members = {"a (1)": {"no": 0.2, "yes": 0.8}, "b (2)": {"no": 0.6, "yes": 0.4}}
    figure = probability_figure({"no": 0.4, "yes": 0.6}, members)
    bars, one, two = figure.data
    assert bars.name == "mean"
    assert (list(one.x), list(two.x)) == ([0.8, 0.2], [0.4, 0.6])
    assert one.marker.symbol != two.marker.symbol
    assert one.name.startswith("a")


def test_names_are_no_markup_and_many_classes_are_cut_and_counted() -> None:
    shares = {f"<b>class</b> {number}": 1 / 20 for number in range(20)}
    figure = probability_figure(shares)
    assert len(figure.data[0].x) == MOST
    assert "8 less likely classes are not drawn" in figure.layout.title.subtitle.text
    assert "&lt;b&gt;" in figure.layout.yaxis.ticktext[1]
