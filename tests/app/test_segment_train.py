"""The Train page with the task of segmentation."""

from __future__ import annotations

import re
from pathlib import Path

from brainseg.evaluation.collapse import collapse_sentence
from brainseg.runs import RunStore
from tests.app.run_pages import texts
from tests.app.train_pages import click, fill, widget_key
from tests.jobs.helpers import wait_for


def test_the_task_locks_what_means_nothing_to_it(home: Path, masked_set: Path, open_page) -> None:
    app = fill(open_page("train"), masked_set)
    assert not app.button(key="train:instant").disabled
    app.selectbox(key=widget_key(app, "task")).select("segment").run()
    said = texts(app)
    assert app.button(key="train:instant").disabled
    assert "An instant baseline is for classification only" in said
    assert "for 40 images with masks" in said
    assert re.search("Training of resnet18: .* a rough guess", said)
    assert "Instant baseline (resnet18)" not in said
    assert app.number_input(key=widget_key(app, "training.mixup")).disabled
    assert not app.toggle(key=widget_key(app, "model.self_attention")).disabled


def test_a_segmentation_is_trained_from_the_form(working_home: Path, masked_set: Path, open_page) -> None:
    app = fill(open_page("train"), masked_set)
    app.selectbox(key=widget_key(app, "task")).select("segment")
    app.text_input(key=widget_key(app, "model.stages")).set_value("2")
    app.selectbox(key=widget_key(app, "training.learning_rate")).select("a number").run()
    click(app, "train:train")
    [run] = RunStore().list()
    assert run.config.task == "segment"
    done = wait_for(lambda: (found := RunStore().get(run.id)).ended and found, "the run to end")
    # So short a training may mark nothing yet, which is then said.
    assert (done.status, done.reason) in {
        ("FINISHED", ""),
        ("FINISHED", collapse_sentence({"collapsed": True, "dice": 0})),
    }
    assert "against the reference masks of" in texts(app.run())


def test_the_preset_sets_the_task(home: Path, masked_set: Path, open_page) -> None:
    app = open_page("train", data=str(masked_set))
    app.selectbox(key="train:preset").select("segment").run()
    assert app.selectbox(key=widget_key(app, "task")).value == "segment"
    assert not app.error
    assert not app.button(key="train:train").disabled


def test_folders_without_masks_have_no_estimate(home: Path, tiny_set: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    app.selectbox(key=widget_key(app, "task")).select("segment").run()
    assert "no images with masks were found there" in texts(app)


def test_measured_segmentations_make_an_estimate(segment_home: Path, masked_set: Path, open_page) -> None:
    app = open_page("train", data=str(masked_set))
    app.selectbox(key="train:preset").select("quick").run()
    app.selectbox(key=widget_key(app, "task")).select("segment")
    app.number_input(key=widget_key(app, "preparation.size")).set_value(64).run()
    assert "based on 1 earlier run" in texts(app)
    assert RunStore().get("marks").metrics["seconds"] > 0
