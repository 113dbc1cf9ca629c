"""The Runs page on every kind of store and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from brainseg.app.address import named_run
from brainseg.app.classification.cases import LOOKED, case_words
from brainseg.app.frame import UNEXPECTED
from brainseg.app.messages import end_reason
from brainseg.app.runs.view import NO_RUNS, head_words, when_words
from brainseg.app.widgets.epoch_times import epoch_words
from brainseg.app.widgets.run_panels import split_sentence
from brainseg.diagnosis.heatmap_checks.words import check_rows, sample_sentence
from brainseg.evaluation.caveats import CaveatKind, caveats_of
from brainseg.jobs.queue import create_claimed
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.models.description import read_description
from brainseg.results import stored_results as results
from brainseg.results.run_images import read_image
from brainseg.results.run_wording import PHASES, lasted, model_words, moment
from brainseg.runs import EndKind, Run, RunStore
from tests.app.links import links
from tests.app.page_text import empty_heatmaps, icons, message, plain
from tests.app.run_pages import BROKEN_PANEL, charts, keys, open_panel, paths_shown, texts
from tests.bundles import edit_of_run
from tests.conftest import tiny_config, write_set

IMAGE_PANELS = ["Confusion matrix", "Hardest cases", "Predictions"]
PANELS = ["Metrics", "Training", "Calibration", "Threshold", *IMAGE_PANELS]
PANELS += ["Subsets", "Labels", "Heatmaps", "Settings", "Data and split", "Log"]
DRAWN_FROM = {
    "predictions.parquet": ["Metrics", *IMAGE_PANELS],
    "evaluation.json": ["Metrics", *IMAGE_PANELS],
    "calibration.json": ["Calibration"],
    "epochs.csv": ["Metrics", "Training"],
    "split.csv": ["Hardest cases", "Data and split"],
    "dataset.json": ["Data and split"],
    "weights.json": ["Settings"],
}


def predictions(run: Run) -> pd.DataFrame:
    return pd.read_parquet(RunStore().path(run.id, "predictions.parquet"))


def test_an_empty_store_says_how_to_begin(home, open_page) -> None:
    app = open_page("runs")
    assert plain(app.info) == [NO_RUNS]
    assert links(app) == ["train"]
    assert not app.selectbox


def test_the_address_chooses_the_run_and_a_choice_changes_the_address(tuned: Run, open_page) -> None:
    baseline = RunStore().get("baseline")
    app = open_page("runs", run=baseline.id)
    assert app.selectbox(key="run-choice").value == baseline.id
    app.selectbox(key="run-choice").select(tuned.id).run()
    assert tuned.id in app.query_params["run"]
    assert head_words(tuned).replace("\\", "") in texts(app)


@pytest.mark.parametrize("wanted", ["f" * 32, "nobody", "<script>", "%00", "x" * 5000])
def test_an_unknown_run_is_one_sentence_and_no_other_run_is_shown(tuned: Run, open_page, wanted: str) -> None:
    app = open_page("runs", run=wanted)
    assert icons(app.warning) == [":material/link_off:"]
    assert app.warning[0].value == named_run(wanted, [tuned])[1]
    assert not app.error
    assert not app.tabs
    assert app.dataframe[0].value["Name"].tolist() == ["tuned", "baseline"]


def test_the_start_of_an_id_or_a_name_chooses_a_run(tuned: Run, open_page) -> None:
    for wanted in (tuned.id[:8], tuned.id[:4], "tuned"):
        app = open_page("runs", run=wanted)
        assert app.selectbox(key="run-choice").value == tuned.id
        assert tuned.id in app.query_params["run"]


def test_the_address_opens_a_tab_and_a_cell(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id, tab="Confusion matrix", actual="yes", predicted="no")
    assert (app.selectbox(key="actual").value, app.selectbox(key="predicted").value) == ("yes", "no")
    app = open_page("runs", run=tuned.id, tab="Predictions", **{"table-wrong": "true", "table-text": "yes/"})
    shown = app.dataframe[0].value
    assert (shown["label"] != shown["prediction"]).all()
    assert shown["path"].str.contains("yes/").all()


@pytest.mark.parametrize("value", ["", "nonsense", "%", "x" * 3000])
def test_damaged_parameters_break_nothing(tuned: Run, open_page, value: str) -> None:
    names = ("tab", "actual", "predicted", "table-actual", "table-wrong", "heatmaps", "state", "least", "tag", "find")
    for address in ({"run": tuned.id}, {}):
        app = open_page("runs", **address, **dict.fromkeys(names, value))
        assert not app.error


def test_a_head_names_the_dataset_and_says_when_the_run_was_queued_or_started(tuned: Run, open_page) -> None:
    shown = texts(open_page("runs", run=tuned.id))
    head = head_words(tuned).replace("\\", "")
    assert head in shown
    parts = (model_words(tuned), "quick", Path(tuned.config.data.path).name, moment(tuned.begun), lasted(tuned))
    assert all(part in head for part in parts)
    assert tuned.config.data.path not in shown
    waiting = RunStore().create(tuned.config, "later")
    assert head_words(waiting).replace("\\", "") in texts(open_page("runs", run=waiting.id))
    assert when_words(waiting).endswith(moment(datetime.fromtimestamp(waiting.queued, UTC)))
    assert when_words(waiting).split()[0] != when_words(tuned).split()[0]


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("name", ["tuned", "baseline"])
def test_every_panel_of_a_finished_run_draws(finished_home, open_page, name: str, panel: str) -> None:
    app = open_panel(open_page("runs", run=RunStore().get(name).id), panel)
    assert not app.exception
    assert not app.error
    expected = {
        "Metrics": 3,
        "Training": 1 if name == "tuned" else 0,
        "Calibration": 1,
        "Threshold": 2,
        "Confusion matrix": 1,
    }
    assert charts(app) == expected.get(panel, 0)


def test_a_run_of_an_earlier_version_is_calibrated_by_a_button(tuned: Run, open_page) -> None:
    file = RunStore().path(tuned.id, "calibration.json")
    file.unlink()
    edit_of_run(tuned.id, lambda values: values.update(calibration=None))
    app = open_panel(open_page("runs", run=tuned.id), "Calibration")
    assert "calibration.json is missing" in " ".join(plain(app.info))
    app.button(key="run-calibrate").click().run()
    assert not app.exception
    assert file.exists()
    assert "calibration needs 100 held-out images" in " ".join(plain(app.warning))
    assert charts(app) == 1


def test_heatmaps_are_checked_by_a_button(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Heatmaps")
    assert "were not checked yet" in " ".join(plain(app.info))
    assert not app.table
    app.button(key="run-heatmaps").click().run()
    assert not app.exception
    assert not app.error
    checks = results.heatmaps(RunStore(), tuned)["checks"]
    assert checks["images"] == len(predictions(tuned))
    assert sample_sentence(checks) in texts(app)
    shown = app.table[0].value
    assert list(shown["What it shows"]) == [row.meaning for row in check_rows(results.heatmaps(RunStore(), tuned))]
    assert charts(app) == 1
    assert not [button for button in app.button if button.key == "run-heatmaps"]
    edit_of_run(tuned.id, lambda values: values.update(name="another"))  # as a calibration would
    app = open_panel(open_page("runs", run=tuned.id), "Heatmaps")
    assert "was changed after this check" in " ".join(plain(app.info))


def test_how_a_model_decides_is_changed_by_a_form(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Threshold")
    assert "highest probability" in " ".join(plain(app.info))
    app.selectbox(key="operating-threshold").select("threshold").run()
    app.number_input(key="operating-threshold-threshold").set_value(0.3).run()
    app.button(key="operating-store").click().run()
    assert not app.exception
    assert "from 30.0 % on" in " ".join(plain(app.info))
    assert read_description(RunStore().bundle(RunStore().get(tuned.id))).operating_point.threshold == 0.3
    app.selectbox(key="operating-threshold").select("sensitivity").run()
    app.button(key="operating-store").click().run()
    assert "needs 20" in " ".join(plain(app.error))


def test_metrics_stand_with_their_interval_and_what_they_were_taken_on(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    report = json.loads(RunStore().path(tuned.id, "evaluation.json").read_text())
    low, high = report["intervals"]["accuracy"]
    assert f"{low:.3f} to {high:.3f}, n = {report['count']}" in texts(app)
    assert (report["evaluated_on"], report["split"]) == ("valid", "grouped")
    assert split_sentence(report) in texts(app)
    others = [{**report, "evaluated_on": "test"}, {**report, "split": "random"}, {"evaluated_on": "valid"}]
    assert len({split_sentence(each) for each in (report, *others)}) == 4
    assert next(each.value for each in app.metric if each.label == "Accuracy") == f"{report['accuracy']:.3f}"


def test_what_flatters_the_figures_is_said_beside_them(tuned: Run, open_page) -> None:
    file = RunStore().path(tuned.id, "evaluation.json")
    report = json.loads(file.read_text())
    facts = {**report, "selected_on_these_images": True, "copies_in_training": 3}
    file.write_text(json.dumps(facts))
    assert {CaveatKind.SELECTED, CaveatKind.COPIES} <= {caveat.kind for caveat in caveats_of(facts)}
    for panel in ("Metrics", "Confusion matrix"):
        warned = " ".join(plain(open_panel(open_page("runs", run=tuned.id), panel).warning))
        assert all(caveat.phrase in warned for caveat in caveats_of(facts))


def test_the_hardest_cases_are_those_with_the_highest_loss(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Hardest cases")
    ranked = predictions(tuned).sort_values("loss", ascending=False)
    assert paths_shown(app) == ranked["path"].head(6).tolist()
    first = ranked.iloc[0].to_dict()
    assert case_words(first) in [each.value for each in app.markdown]
    parts = (f"**{first['label']}**", f"**{first['prediction']}**", f"{first['loss']:.3f}")
    assert all(part in case_words(first) for part in parts)
    app.number_input(key=f"hardest-count-{tuned.id}").set_value(3).run()
    assert paths_shown(app) == ranked["path"].head(3).tolist()


def test_the_heatmap_is_drawn_on_demand(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Hardest cases")
    before = [image.value for image in app.image]
    drawn = []
    for number in range(len(before)):  # whether a heatmap is empty depends on what so small a training came to
        toggle = [each for each in app.toggle if each.key.endswith("-cam")][number]
        toggle.set_value(True).run()
        assert not app.exception
        assert not app.error
        after = [image.value for image in app.image]
        drawn.append(after[number] != before[number])
        assert after[number + 1 :] == before[number + 1 :]
    assert drawn
    assert texts(app).count(LOOKED) == sum(drawn)
    assert empty_heatmaps(app) == len(drawn) - sum(drawn)


def test_a_cell_shows_the_images_that_the_table_has_for_it(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Confusion matrix")
    table = predictions(tuned)
    assert app.selectbox(key="actual").options == ["no", "yes"]
    for actual in ("no", "yes"):
        for predicted in ("no", "yes"):
            app.selectbox(key="actual").select(actual)
            app.selectbox(key="predicted").select(predicted).run()
            inside = table[(table["label"] == actual) & (table["prediction"] == predicted)]
            seen = paths_shown(app)
            for page in range(2, -(-len(inside) // 6) + 1):
                app.get("pagination")[0].set_value(page).run()
                seen += paths_shown(app)
            assert sorted(seen) == sorted(inside["path"])
            assert f"{len(inside)} of {len(table)} " in texts(app)


def test_predictions_are_filtered(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Predictions")
    table = predictions(tuned)
    assert app.dataframe[0].value["path"].tolist() == table["path"].tolist()
    app.multiselect(key="table-actual").set_value(["yes"]).run()
    assert set(app.dataframe[0].value["label"]) == {"yes"}
    app.multiselect(key="table-actual").set_value([])
    app.toggle(key="table-wrong").set_value(True).run()
    wrong = table[table["label"] != table["prediction"]]
    assert app.dataframe[0].value["path"].tolist() == wrong["path"].tolist()
    assert f"{len(wrong)} of {len(table)} " in texts(app)


def test_settings_split_and_fingerprint_are_the_runs_own(tuned: Run, open_page) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Settings")
    settings = dict(app.dataframe[0].value.itertuples(index=False, name=None))
    assert settings["training.epochs"] == "2"
    open_panel(app, "Data and split")
    facts = json.loads(RunStore().path(tuned.id, "dataset.json").read_text())
    assert facts["fingerprint"] in texts(app)
    counts = app.dataframe[0].value
    assert counts.loc["all", "all"] == 40
    assert counts.loc["all", "valid"] == len(predictions(tuned))


def test_a_finder_run_shows_its_curve_and_no_figures_of_merit(home: Path, config, open_page, tmp_path: Path) -> None:
    store = RunStore()
    run = store.create(config({"training.learning_rate": "valley"}), "rate", kind="find-lr")
    curve = {"learning_rate": [1e-5, 1e-3, 1e-1], "loss": [1, 0.5, 3], "smoothed_loss": [1, 0.6, 2], "suggestion": 1e-3}
    (tmp_path / "learning_rate.json").write_text(json.dumps(curve))
    store.log_file(run.id, tmp_path / "learning_rate.json")
    store.set_status(run.id, "FINISHED")
    app = open_page("runs", run=run.id)
    assert not app.error
    assert charts(app) == 1
    assert {tab.label for tab in app.tabs} == {"Settings", "Data and split", "Log"}


@pytest.fixture
def live(home: Path, config) -> Run:
    """A run under way: its worker is this process, and two epochs are over."""
    run = create_claimed(RunStore(), config(), "busy")
    workspace = Workspace(run.id)
    workspace.record_owners([os.getpid()])
    workspace.results.mkdir()
    workspace.log.write_text("epoch 1 is over")
    header = "phase,epoch,train_loss,valid_loss,accuracy,sensitivity,specificity,learning_rate,seconds\n"
    (workspace.results / "epochs.csv").write_text(header + "frozen,1,1,0.9,0.5,0.5,0.5,0.01,1\n")
    workspace.write_progress({"phase": "unfrozen", "epoch": 2, "epochs": 3, "step": 1, "steps": 2})
    return run


def test_a_run_under_way_shows_where_it_is_and_goes_over_when_it_ends(live: Run, open_page) -> None:
    app = open_page("runs", run=live.id)
    bars = [str(bar.proto) for bar in app.get("progress")]
    assert [" 2 of 3" in bars[0], PHASES["unfrozen"] in bars[1], " 1 of 2" in bars[1]] == [True, True, True]
    assert epoch_words(live) in plain(app.caption)
    assert [loss in epoch_words(live) for loss in (" 1.000", " 0.900")] == [True, True]
    assert charts(app) == 1
    assert "epoch 1 is over" in app.code[0].value
    assert not app.tabs
    RunStore().set_status(live.id, "KILLED", "The run was cancelled.")
    app.run()
    assert not app.get("progress")
    assert "The run was cancelled." in texts(app)
    assert open_panel(app, "Training", BROKEN_PANEL).tabs


def test_a_run_whose_processes_died_is_found_out(live: Run, open_page) -> None:
    (Workspace(live.id).folder / "owners.json").unlink()
    app = open_page("runs", run=live.id)
    assert RunStore().get(live.id).status == "FAILED"
    assert plain(app.error) == [end_reason(RunStore().get(live.id))]
    assert "epoch 1 is over" not in app.error[0].value
    assert "epoch 1 is over" in app.code[0].value


def test_a_run_that_waits_says_so(home, config, open_page) -> None:
    store = RunStore()
    store.create(config(), "first")
    second = store.create(config(), "second")
    app = open_page("runs", run=second.id)
    assert icons(app.info) == [":material/schedule:"]
    assert " 1 run " in app.info[0].value


def test_a_failed_run_says_why_in_one_sentence_and_keeps_its_log(home, config, open_page) -> None:
    store = RunStore()
    run = store.create(config(), "poor")
    workspace = Workspace(run.id)
    workspace.make()
    workspace.log.write_text("the whole story\n")
    store.set_status(
        run.id,
        "FAILED",
        "The trainer process ended by signal SIGKILL.",
        EndKind.DIED,
        "the\nwhole story",
    )
    app = open_page("runs", run=run.id)
    assert [error.value.replace("\\", "") for error in app.error] == ["The trainer process ended by signal SIGKILL."]
    assert app.code[0].value == "the whole story"
    assert {"run-resume", f"delete-now-{run.id}"} <= set(keys(app.button))


@pytest.mark.parametrize("harm", ["removed", "cut", "empty", "foreign"])
@pytest.mark.parametrize("name", DRAWN_FROM)
def test_a_damaged_file_is_one_sentence_and_spoils_no_other_panel(tuned: Run, open_page, name: str, harm: str) -> None:
    file = RunStore().path(tuned.id, name)
    data = file.read_bytes()
    if harm == "removed":
        file.unlink()
    else:
        file.write_bytes({"cut": data[: len(data) // 3], "empty": b"", "foreign": b'{"a": [1]}\n'}[harm])
    app = open_page("runs", run=tuned.id)
    shown = ""
    for panel in DRAWN_FROM[name]:
        open_panel(app, panel)
        assert not app.exception
        problems = plain([*app.error, *app.info])
        assert not [problem for problem in problems if problem.startswith(UNEXPECTED.partition("{")[0])]
        shown += " ".join(problems)
        if panel == "Metrics" and name != "evaluation.json":
            assert charts(app) == (1 if name == "predictions.parquet" else 3)
    # A table that is cut between two rows is a shorter table.
    assert name in shown or (harm == "cut" and name.endswith(".csv"))


def test_an_image_that_moved_is_one_sentence_beside_its_case(finished_home, config, open_page, tmp_path: Path) -> None:
    run, moved = own_data_run(tmp_path)
    table = predictions(run).sort_values("loss", ascending=False)
    gone, changed = table["path"].iloc[:2]
    (moved / gone).unlink()
    Image.new("L", (40, 40), 200).save(moved / changed)
    app = open_panel(open_page("runs", run=run.id), "Hardest cases")
    assert paths_shown(app) == table["path"].iloc[2:6].tolist()
    digests = results.digests(RunStore(), run)
    assert plain(app.info) == [message(read_image, run, path, digests[path]) for path in (gone, changed)]
    assert [path in text for path, text in zip((gone, changed), plain(app.info), strict=True)] == [True, True]
    assert not app.error
    shutil.rmtree(moved)
    open_panel(app, "Hardest cases")
    assert paths_shown(app) == []
    lost = table["path"].head(6)
    assert plain(app.info) == [message(read_image, run, path, digests[path]) for path in lost]


def own_data_run(folder: Path) -> tuple[Run, Path]:
    """The tuned run, as if it had been evaluated on a dataset of its own."""
    store = RunStore()
    run = store.get("tuned")
    data = folder / "own"
    shutil.copytree(run.config.data.path, data)
    own = run.config.model_copy(update={"data": run.config.data.model_copy(update={"path": str(data)})})
    store.set_tags(run.id, {"brainseg.config": own.model_dump_json()})
    return store.get(run.id), data


def test_names_are_shown_literally(tuned: Run, open_page) -> None:
    store = RunStore()
    store.write_note(tuned.id, "# Big **bold** [link](http://x) $a$ <b>")
    app = open_page("runs", run=tuned.id)
    assert any("\\# Big \\*\\*bold\\*\\*" in each.value for each in app.markdown)


def test_fifty_runs_can_be_chosen_from(tuned: Run, open_page) -> None:
    store = RunStore()
    statuses = ["FAILED", "KILLED", "FINISHED", "SCHEDULED"]
    made = [
        store.create(tuned.config, f"run {number}", statuses[number % 4], "find-lr" if number % 8 == 2 else "train")
        for number in range(48)
    ]
    app = open_page("runs", run=made[3].id)
    assert len(app.selectbox(key="run-choice").options) == 50
    for run in made[:8]:
        app.selectbox(key="run-choice").select(run.id).run()
        assert not app.exception
        assert run.id in app.query_params["run"]


def test_more_than_two_classes_have_one_curve_each(home, open_page, tmp_path: Path) -> None:
    from brainseg.jobs.trainer_process import main as train_run

    data = write_set(tmp_path / "three", ("a", "b", "c"), 8)
    run = create_claimed(RunStore(), tiny_config(data, **{"model.head": "logistic", "compute.nice": 0}), "three")
    assert train_run(run.id) == 0
    app = open_page("runs", run=run.id)
    assert not app.error
    assert charts(app) == 3
    open_panel(app, "Confusion matrix")
    assert app.selectbox(key="actual").options == ["a", "b", "c"]
    assert not app.error


def test_the_page_needs_no_torch(finished_home: Path, tuned: Run) -> None:
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("pages/runs.py", default_timeout=120)
for panel in {PANELS!r}:
    app.session_state["tab"] = panel
    app.run()
    assert not app.exception and not app.error, panel
loaded = {{"torch", "fastai", "torchvision"}} & set(sys.modules)
assert not loaded, loaded
"""
    environment = {**child_environment(), "BRAINSEG_HOME": str(finished_home)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
