"""The Monitoring page and `brainseg monitor`: answers of pages and commands, and alarms."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brainseg.app.monitoring.page import NOTHING
from brainseg.cli.app import app as program
from brainseg.diagnosis.predictor import Predictor
from brainseg.models.description import read_description
from brainseg.monitoring import AnswerLog, record_of
from brainseg.plots.monitoring import confidence_figure, distance_figure, volume_figure
from brainseg.results.monitoring import monitored_models, reference_of
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.app.page_text import plain
from tests.app.run_pages import charts


def test_an_empty_log_says_how_it_fills(home: Path, open_page) -> None:
    app = open_page("monitoring")
    assert plain(app.info) == [NOTHING]
    assert CliRunner().invoke(program, ["monitor", "--json"]).stdout.strip() == "[]"


def test_answers_of_the_command_line_appear_with_their_model(tuned: Run, open_page) -> None:
    image = next(Path(tuned.config.data.path).glob("*/*.png"))
    answer = json.loads(CliRunner().invoke(program, ["predict", str(image), "--run", tuned.id, "--json"]).stdout)[0]
    table = AnswerLog().read()
    assert table[["outcome", "image_sha256", "source"]].iloc[0].tolist() == [
        answer["outcome"],
        answer["image_sha256"],
        "command",
    ]
    assert image.name.encode() not in AnswerLog().file.read_bytes()
    found = json.loads(CliRunner().invoke(program, ["monitor", "--json"]).stdout)
    assert (found[0]["run_id"], found[0]["answers"], found[0]["signs"]) == (tuned.id, 1, [])
    app = open_page("monitoring")
    assert not app.exception
    assert charts(app) == 3
    assert any("too few images for a rule: 1 of the 30" in text for text in plain(app.info))


def test_images_of_another_kind_give_an_alarm(tuned: Run, open_page) -> None:
    store = RunStore()
    predictor = Predictor.open(store.bundle(tuned))
    scan = read_scan(next(Path(tuned.config.data.path).glob("*/*.png")))
    record = record_of(predictor.diagnose(scan), "page", datetime.now(UTC))
    assert record.bundle_digest == predictor.bundle.digest
    AnswerLog().add([replace(record, image_sha256=str(place), in_domain=False, distance=3.0) for place in range(40)])
    (model,) = monitored_models(store)
    assert {sign.kind for sign in model.alarms} >= {"refused", "features"}
    app = open_page("monitoring")
    assert any("may not hold" in text for text in plain(app.error))
    assert "100.0 % of the 40 newest images" in CliRunner().invoke(program, ["monitor"]).stdout
    CliRunner().invoke(program, ["monitor", "--clear"])
    assert monitored_models(store) == []


def test_the_reference_is_the_validation_set_as_the_model_decides(tuned: Run) -> None:
    store = RunStore()
    reference = reference_of(store, tuned)
    assert reference is not None
    classes = len(read_description(store.bundle(tuned)).classes)
    assert ((reference.confidence >= 1 / classes) & (reference.confidence <= 1)).all()


@pytest.mark.parametrize("dark", [False, True])
def test_plots_count_every_answer(home: Path, dark: bool) -> None:
    empty = AnswerLog().read()
    for figure in (volume_figure(empty, dark=dark), distance_figure(empty, dark=dark), confidence_figure([], None)):
        assert any("No " in note.text for note in figure.layout.annotations)
    both = confidence_figure(np.linspace(0.5, 1, 40), np.linspace(0.5, 1, 50), dark=dark)
    assert [sum(trace.y) for trace in both.data] == pytest.approx([1, 1])
