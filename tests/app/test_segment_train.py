"""The Train page with the task of segmentation."""

from __future__ import annotations

from pathlib import Path

from brainseg.app.tasks import view_of
from brainseg.app.train.actions import NO_ESTIMATE
from brainseg.app.train.ended import outcome
from brainseg.app.widgets.time_estimate import basis
from brainseg.evaluation.collapse import collapse_sentence
from brainseg.runs import RunStore
from tests.app.page_text import plain
from tests.app.run_pages import texts
from tests.app.train_pages import click, estimates, fill, widget_key
from tests.jobs.helpers import wait_for


def test_the_task_locks_what_means_nothing_to_it(home: Path, masked_set: Path, open_page) -> None:
    app = fill(open_page("train"), masked_set)
    assert not app.button(key="train:instant").disabled
    assert len(estimates(app)) == 3, "training, finder and instant baseline"
    app.selectbox(key=widget_key(app, "task")).select("segment").run()
    assert app.button(key="train:instant").disabled
    assert view_of("segment").instant_baseline in plain(app.caption)
    assert len(estimates(app)) == 2, "training and finder"
    assert all("resnet18: " in line and line.endswith(basis(0)) for line in estimates(app))
    assert any(" 40 images " in text and basis(0) in text for text in plain(app.caption))
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
    # So short a training may mark nothing yet, which its reason then reports.
    assert (done.status, done.reason) in {
        ("FINISHED", ""),
        ("FINISHED", collapse_sentence({"collapsed": True, "dice": 0})),
    }
    assert outcome(done) in texts(app.run())
    assert f" {done.metrics['final_dice']:.2f} " in outcome(done)


def test_the_preset_sets_the_task(home: Path, masked_set: Path, open_page) -> None:
    app = open_page("train", data=str(masked_set))
    app.selectbox(key="train:preset").select("segment").run()
    assert app.selectbox(key=widget_key(app, "task")).value == "segment"
    assert not app.error
    assert not app.button(key="train:train").disabled


def test_folders_without_masks_have_no_estimate(home: Path, tiny_set: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    app.selectbox(key=widget_key(app, "task")).select("segment").run()
    assert NO_ESTIMATE.format("images with masks") in plain(app.caption)
    assert estimates(app) == []


def test_measured_segmentations_make_an_estimate(segment_home: Path, masked_set: Path, open_page) -> None:
    app = open_page("train", data=str(masked_set))
    app.selectbox(key="train:preset").select("quick").run()
    app.selectbox(key=widget_key(app, "task")).select("segment")
    app.number_input(key=widget_key(app, "preparation.size")).set_value(64).run()
    assert estimates(app)[0].endswith(basis(1))
    assert RunStore().get("marks").metrics["seconds"] > 0
