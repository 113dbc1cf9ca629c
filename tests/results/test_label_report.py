"""Likely label errors of stored runs: what is judged, and every run that has nothing to judge."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from brainseg.errors import DataError, RunError
from brainseg.evaluation.label_quality import judge_labels
from brainseg.results.label_check import judge_all_images
from brainseg.results.label_report import label_report
from brainseg.results.label_words import GUESSING, label_sentences, labels_table
from brainseg.results.stored_results import out_of_fold
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import finished_run
from tests.conftest import tiny_config
from tests.models.conftest import one_sentence

on_crossvals = pytest.mark.parametrize("finished_home", ["crossval_template"], indirect=True)


def no_progress(done: int, total: int) -> None:
    """Ignore the progress."""


def refused(run: Run, action=label_report, *arguments) -> str:
    with pytest.raises((RunError, DataError)) as caught:
        action(RunStore(), run, *arguments)
    return one_sentence(caught.value)


@on_crossvals
def test_a_cross_validation_judges_every_image_by_the_mean_of_its_repeats(finished_home: Path) -> None:
    store = RunStore()
    report = label_report(store, store.get("first"))
    assert (report["source"], report["judged"], report["images"], report["repeats"]) == ("out-of-fold", 16, 16, 2)
    table = out_of_fold(store, store.get("first"))
    means = table.groupby("path")[["p_no", "p_yes"]].mean()
    labels = (table.drop_duplicates("path").set_index("path")["label"].reindex(means.index) == "yes").astype(int)
    expected = judge_labels(labels.to_numpy(), means.to_numpy())
    scores = {label["path"]: label["score"] for label in report["labels"]}
    assert scores == pytest.approx(dict(zip(means.index, expected.scores, strict=True)))
    assert report["agreeing"] == (means.to_numpy().argmax(axis=1) == labels).sum()
    assert report["likely"] == expected.likely.sum()
    folds = table[table["repeat"] == 0]
    assert {label["path"]: label["fold"] for label in report["labels"]} == dict(
        zip(folds["path"], folds["fold"], strict=True)
    )
    assert "in each of 2 repeats" in label_sentences(report)[0]
    assert GUESSING not in label_sentences(report)
    assert GUESSING in label_sentences({**report, "agreeing": 10})
    assert labels_table(report["labels"])["Image"].tolist() == [label["path"] for label in report["labels"]]
    assert "leave out --all-images" in refused(store.get("first"), judge_all_images, no_progress)
    marks = refused(store.get("marks"))
    assert marks == "Run 'marks' marks tumours and has no labels of images: choose a run that classifies."
    store.delete(store.children(store.get("first"))[0, 0].id)
    assert "has no result" in refused(store.get("first"))


def test_a_single_run_judges_held_out_images_and_names_the_way_to_the_others(finished_home: Path) -> None:
    store = RunStore()
    for name, hint in (("tuned", "A cross-validation judges all."), ("baseline", "--all-images` judges all.")):
        report = label_report(store, store.get(name))
        assert (report["source"], report["judged"], report["images"]) == ("held-out", 12, 40)
        assert {label["fold"] for label in report["labels"]} == {None}
        first = label_sentences(report)[0]
        assert first.startswith("Only the 12 held-out images of 40 were judged")
        assert first.endswith(hint)
    assert "was trained on labels of these images" in refused(store.get("tuned"), judge_all_images, no_progress)
    warm = store.get("baseline").config.with_settings({"model.weights": f"run:{store.get('tuned').id}"})
    store.set_tags(store.get("baseline").id, {"brainseg.config": warm.model_dump_json()})
    assert "may have learnt these labels" in refused(store.get("baseline"), judge_all_images, no_progress)


def test_an_instant_baseline_judges_all_images_of_an_unchanged_dataset(finished_home: Path) -> None:
    store = RunStore()
    run = store.get("baseline")
    judge_all_images(store, run, no_progress)
    report = label_report(store, run)
    assert (report["source"], report["judged"], report["repeats"]) == ("out-of-fold", 40, 5)
    assert report["agreeing"] >= 35
    table = out_of_fold(store, run)
    assert set(table["run_id"]) == {run.id}
    split = store.path(run.id, "split.csv")
    split.write_text(split.read_text().replace("no/003.png,no", "no/003.png,yes"))
    assert "1 images differ, such as no/003.png" in refused(run, judge_all_images, no_progress)
    split.unlink()
    assert "train it again" in refused(run)


def test_images_whose_copy_was_learnt_are_not_judged(home: Path, tiny_set: Path, tmp_path: Path) -> None:
    run = finished_run(RunStore(), tiny_config(tiny_set), "copied", tmp_path / "runs", images=slice(5, 35))
    file = RunStore().path(run.id, "split.csv")
    split = pd.read_csv(file, dtype=str, keep_default_na=False).assign(twin="")
    split.loc[[0, 10, 11], "twin"] = "near 0"
    split.loc[split["path"] == split["path"].iloc[12], "sha256"] = split["sha256"].iloc[1]
    split.loc[20:21, "twin"] = "near 20"
    split.loc[20, "label"] = "no"
    split.to_csv(file, index=False)
    table = pd.read_parquet(RunStore().path(run.id, "predictions.parquet"))
    table.loc[table["path"] == split["path"].iloc[20], "label"] = "no"
    table.to_parquet(RunStore().path(run.id, "predictions.parquet"))
    report = label_report(RunStore(), run)
    assert (report["judged"], report["left_out"], report["conflicts"]) == (27, 3, 1)
    assert report["labels"][0]["reason"] == "copies"
    sentences = " ".join(label_sentences(report))
    assert "1 group of copies has several labels" in sentences
    assert "3 held-out images with a copy in the training set were not judged" in sentences


def test_runs_without_anything_to_judge_are_refused(home: Path, tiny_set: Path, tmp_path: Path) -> None:
    store, config = RunStore(), tiny_config(tiny_set)
    assert "is SCHEDULED and has no predictions" in refused(store.create(config, "waits"))
    rate = store.create(config, "rate", "FINISHED", "find-lr")
    assert "only looked for a learning rate" in refused(rate)
    assert "no stored predictions" in refused(store.create(config, "empty", "FINISHED"))
    few = finished_run(store, config, "few", tmp_path / "runs", images=slice(15, 24))
    assert refused(few).startswith("Only 9 images of run 'few' were predicted by a model")
    assert refused(few).endswith("need at least 10: use a cross-validation.")
    instant = tiny_config(tiny_set, **{"model.head": "logistic"})
    less = finished_run(store, instant, "less", tmp_path / "runs", images=slice(15, 24))
    assert refused(less).endswith("use a cross-validation, or `brainseg labels` with --all-images.")
    one = finished_run(store, config, "one", tmp_path / "runs", images=slice(0, 15))
    assert "All 15 judged images of run 'one' have the label 'no'" in refused(one)
