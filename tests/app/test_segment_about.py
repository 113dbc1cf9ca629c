"""The model card of a model that marks tumours."""

from __future__ import annotations

import json
from pathlib import Path

from brainseg.app.about.page import nested
from brainseg.results.run_card import card_of
from brainseg.runs import RunStore


def test_the_card_says_what_a_segmentation_model_is(segment_home: Path, open_page) -> None:
    store = RunStore()
    marks = store.get("marks")
    report = json.loads(store.path(marks.id, "evaluation.json").read_text())
    card = card_of(store, marks)
    assert "which pixels are tumour; all others are background" in card
    assert "## How well its masks fit" in card
    low, high = report["intervals"]["dice"]
    assert f"| Dice, all pixels pooled | {report['dice']:.3f} | {low:.3f} to {high:.3f} |" in card
    assert f"* Evaluated on {report['slices']} validation slices" in card
    assert f"drawn from {report['patients']} patients" in card
    assert "encoder up to stage 2; u-net" in card
    for foreign in ("Wilson", "heatmap", "points of accuracy", "How often it is right", "None"):
        assert foreign not in card.split("## Preparation of an image")[0]
    app = open_page("about", run=marks.id)
    assert not app.error
    assert nested(card).strip() in [each.value for each in app.markdown]


def test_a_card_stands_without_its_evaluation(segment_home: Path) -> None:
    store = RunStore()
    marks = store.get("marks")
    store.path(marks.id, "evaluation.json").unlink()
    card = card_of(store, marks)
    assert "The rest of the evaluation is lost" in card
    assert "95 % intervals by bootstrap; with few patients" in card
