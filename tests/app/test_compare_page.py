"""The Compare page on every kind of store."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainseg import DISCLAIMER
from brainseg.app.classification.disagreements import CHANGED, LOOKED, MOVED
from brainseg.app.compare.page import NOTHING
from brainseg.app.compare.panels import SAME_SETTINGS
from brainseg.errors import RunError
from brainseg.evaluation.caveats import CaveatKind, caveats_of
from brainseg.jobs.workspace import child_environment
from brainseg.results.classification.comparison import NOT_COMPARABLE, paired_tests, verdicts
from brainseg.results.comparison import check_comparable, compare
from brainseg.results.comparison_table import group_lines
from brainseg.results.comparison_wording import notes
from brainseg.results.evaluated_runs import read_evaluated_run
from brainseg.results.paper import SOURCE
from brainseg.runs import RunStore
from tests.app.compare_runs import finished_run
from tests.app.page_text import empty_heatmaps, icons, message, plain
from tests.conftest import tiny_config, write_set


def words(app) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def chosen(app) -> list[str]:
    return app.multiselect(key="compare_runs").value


@pytest.fixture
def add(home: Path, tiny_set: Path, tmp_path: Path):
    """Add a finished run to the store; settings of its configuration as a dict, the rest as for `finished_run`."""
    store = RunStore()

    def added(name: str, settings: dict | None = None, **facts):
        return finished_run(store, tiny_config(tiny_set, **(settings or {})), name, tmp_path / "runs", **facts)

    return added


def test_an_empty_store_says_what_to_do_first(home, open_page) -> None:
    app = open_page("compare")
    assert plain(app.info) == [NOTHING]
    assert DISCLAIMER in words(app)


def test_one_run_is_shown_without_a_test(add, open_page) -> None:
    add("alone")
    app = open_page("compare")
    assert not app.error
    assert app.dataframe[0].value["Run"].tolist() == ["alone"]
    assert not [each.value for each in app.dataframe if "Test" in each.value]
    assert "disagreement-A" not in [each.key for each in app.selectbox]


def test_comparable_runs_are_tested_and_their_disagreements_listed(add, open_page) -> None:
    add("first", seed=1)
    add("second", seed=2)
    app = open_page("compare")
    assert not app.error
    assert not app.warning
    runs, pairs, images = (table.value for table in app.dataframe)  # the settings are the same
    assert "Set" not in runs
    assert runs["n"].tolist() == [40, 40]
    assert runs["Accuracy"].str.fullmatch(r"0\.\d{3} \(0\.\d{3}–[01]\.\d{3}\)").all()
    assert pairs["Test"].tolist() == ["not separated"]
    comparison = compare([read_evaluated_run(RunStore(), RunStore().get(name)) for name in ("second", "first")])
    (verdict,) = verdicts(comparison, paired_tests(comparison, "A"))
    assert f"- {verdict}" in [each.value for each in app.markdown]
    answers = images[["second", "first"]].map(lambda text: text.split()[0])
    assert (answers["first"] != answers["second"]).all()
    assert f"{len(images)} of 40" in words(app)
    assert len(app.get("plotly_chart")) == 6  # epochs, ROC, two matrices, their difference, cost


def test_runs_on_other_images_are_marked_and_never_tested_together(add, open_page) -> None:
    first, second = add("first", images=slice(0, 30)), add("second", images=slice(5, 40))
    third = add("third", images=slice(0, 30), seed=3)
    app = open_page("compare", runs=f"{first.id},{second.id},{third.id}")
    comparison = compare([read_evaluated_run(RunStore(), run) for run in (first, second, third)])
    assert comparison.groups == {"A": ["first", "third"], "B": ["second"]}
    warning, *sets = group_lines(comparison)
    assert plain(app.warning) == [warning] == [NOT_COMPARABLE]
    assert len(sets) == 2
    assert all(f"- {line}" in plain(app.markdown) for line in sets)
    assert [number in line for number, line in zip(("30", "35"), sets, strict=True)] == [True, True]
    assert app.dataframe[0].value["Set"].tolist() == ["A", "B", "A"]
    pairs = [table.value for table in app.dataframe if "Test" in table.value]
    assert [(row["First"], row["Second"]) for table in pairs for row in table.to_dict("records")] == [
        ("first", "third")
    ]


def test_the_address_names_runs_and_keeps_the_choice(add, open_page) -> None:
    runs = [add(f"run {number}", seed=number) for number in range(3)]
    app = open_page("compare", runs=f"{runs[0].id[:8]},{runs[2].id},gone")
    assert chosen(app) == [runs[0].id, runs[2].id]
    assert icons(app.warning) == [":material/link_off:"]
    assert "gone" in app.warning[0].value
    app.multiselect(key="compare_runs").set_value([runs[1].id, runs[0].id]).run()
    assert app.query_params["runs"] in (f"{runs[1].id},{runs[0].id}", [f"{runs[1].id},{runs[0].id}"])
    assert app.dataframe[0].value["Run"].tolist() == ["run 1", "run 0"]


def test_fifty_runs_are_offered_newest_first_and_six_are_drawn(add, home, open_page) -> None:
    runs = [add(f"run {number}", seed=number) for number in range(6)]
    config = tiny_config(Path(runs[0].config.data.path))
    store = RunStore()
    for number in range(44):
        store.set_status(store.create(config, f"other {number}", "RUNNING").id, "FINISHED")
    app = open_page("compare", runs=",".join(run.id for run in runs))
    assert len(app.multiselect(key="compare_runs").options) == 50
    assert not app.error
    assert len(app.dataframe[0].value) == 6
    assert len(app.dataframe[1].value) == 15
    app = open_page("compare", runs=",".join([*(run.id for run in runs), store.get("other 1").id]))
    assert icons(app.warning) == [":material/filter_list:"]
    assert chosen(app) == [run.id for run in runs]


def test_runs_without_a_model_are_not_offered(add, home, tiny_set, open_page) -> None:
    done = add("done")
    store = RunStore()
    store.create(tiny_config(tiny_set), "training", "RUNNING")
    finder = store.create(tiny_config(tiny_set), "finder", "RUNNING", kind="find-lr")
    store.set_status(finder.id, "FINISHED")
    app = open_page("compare")
    assert chosen(app) == [done.id]
    assert len(app.multiselect(key="compare_runs").options) == 1


@pytest.mark.parametrize("name", ["evaluation.json", "predictions.parquet", "split.csv", "epochs.csv"])
def test_a_damaged_run_is_left_out_with_one_sentence(add, home, open_page, name: str) -> None:
    add("whole", seed=1)
    broken = add("broken", seed=2)
    RunStore().path(broken.id, name).write_bytes(b"\x00 nothing \xff")
    app = open_page("compare")
    assert len(app.warning) == 1
    assert "'broken'" in app.warning[0].value
    assert app.dataframe[0].value["Run"].tolist() == ["whole"]


def test_a_run_without_its_evaluation_is_left_out_with_one_sentence(add, home, open_page) -> None:
    add("whole", seed=1)
    bare = add("bare", seed=2)
    RunStore().path(bare.id, "evaluation.json").unlink()
    app = open_page("compare")
    assert plain(app.warning) == [message(read_evaluated_run, RunStore(), bare)]
    assert "'bare'" in app.warning[0].value
    assert app.dataframe[0].value["Run"].tolist() == ["whole"]


def test_predictions_of_other_images_are_not_passed_off(add, home, open_page) -> None:
    run = add("mixed")
    split = RunStore().path(run.id, "split.csv")
    split.write_text("\n".join(split.read_text().splitlines()[:-2]))
    app = open_page("compare")
    assert plain(app.warning) == [message(read_evaluated_run, RunStore(), run)]
    assert "'mixed'" in app.warning[0].value
    assert not app.dataframe


def test_names_from_people_are_shown_as_they_are(add, open_page) -> None:
    hostile = "<b>x</b> ![i](http://h/x.png) **y**"
    add(hostile.replace("/", "⁄"), seed=1, images=slice(0, 30))
    add("plain", seed=2)
    app = open_page("compare")
    assert not app.error
    assert "\\!\\[i\\]" in "\n".join(part.value for part in app.markdown)


def test_runs_of_one_name_are_told_apart(add, home, open_page, tiny_set, tmp_path) -> None:
    one, two = add("twin", seed=1), add("twin", seed=2)
    app = open_page("compare")
    assert set(app.dataframe[0].value["Run"]) == {f"twin ({one.id[:6]})", f"twin ({two.id[:6]})"}


def test_costs_that_were_not_measured_say_so_and_a_baseline_has_no_epochs(add, open_page) -> None:
    add("old", costs=False, seed=1)
    add("instant", {"model.head": "logistic"}, seed=2)
    table = open_page("compare").dataframe[0].value.set_index("Run")
    assert table.loc["old", ["Parameters (M)", "Per diagnosis (ms)", "Bundle (MB)"]].isna().all()  # "not measured"
    assert table.loc["old", "Seconds per epoch"] == 3
    assert np.isnan(table.loc["instant", "Seconds per epoch"])
    assert table.loc["instant", "Per diagnosis (ms)"] == 38


def test_what_flatters_a_run_stands_below_the_table(add, open_page) -> None:
    facts = {"copies_in_training": 7, "selected_on_these_images": True}
    runs = [add("clean", seed=1), add("leaky", seed=2, caveats=facts)]
    shown = words(open_page("compare"))
    (note,) = notes(compare([read_evaluated_run(RunStore(), run) for run in runs]))
    assert note.startswith("**leaky**:")
    assert note.replace("\\", "") in shown
    assert all(caveat.phrase in shown for caveat in caveats_of(facts))
    assert [caveat.kind for caveat in caveats_of(facts)] == [CaveatKind.SELECTED, CaveatKind.COPIES]
    assert "**clean**:" not in shown


def test_the_paper_is_laid_over_with_its_source(add, open_page) -> None:
    add("mine")
    app = open_page("compare")
    assert SOURCE not in words(app)
    app.toggle(key="compare-paper").set_value(True).run()
    assert SOURCE in words(app)
    names = {trace["name"] for trace in json.loads(app.get("plotly_chart")[0].proto.spec)["data"]}
    assert names == {"mine", "paper, ResNet34", "paper, ResNet50", "paper, ResNet101"}


def test_maps_of_the_models_are_drawn_on_demand(finished_home: Path, open_page) -> None:
    file = RunStore().path(RunStore().get("baseline").id, "predictions.parquet")
    table = pd.read_parquet(file)
    share = np.where(np.arange(len(table)) == 0, 1 - table["p_yes"], table["p_yes"])  # the models agree too well
    names = np.where(share > 0.5, "yes", "no")
    table.assign(p_yes=share, p_no=1 - share, prediction=names).to_parquet(file, index=False)
    app = open_page("compare")
    pictures = sum(len(image.proto.imgs) for image in app.image)
    assert pictures == 1
    app.toggle(key="maps-A").set_value(True).run()
    assert not app.error
    assert sum(len(image.proto.imgs) for image in app.image) == 3
    assert LOOKED in plain(app.caption)
    scan, *maps = [each.url for image in app.image for each in image.proto.imgs]
    assert empty_heatmaps(app) == maps.count(scan), "an empty heatmap leaves the scan as it is"


def test_a_lost_or_changed_image_is_one_sentence(home, tmp_path, open_page) -> None:
    data = write_set(tmp_path / "moving", ("no", "yes"), 6)
    for seed, skill in ((1, 1.0), (2, 0.0)):
        finished_run(RunStore(), tiny_config(data), f"run {seed}", tmp_path / "runs", seed=seed, skill=skill)
    app = open_page("compare")
    assert len(app.image) == 1
    shutil.copy(data / "no" / "001.png", data / "no" / "000.png")
    app.run()
    assert icons(app.info) == [CHANGED]
    assert "000.png" in plain(app.info)[0]
    (data / "no" / "000.png").unlink()
    app.run()
    assert icons(app.info) == [MOVED]
    assert "000.png" in plain(app.info)[0]
    assert not app.image
    assert not app.error


def test_the_tables_leave_with_the_disclaimer(add, home) -> None:
    from brainseg.results.comparison_table import for_csv, runs_table
    from brainseg.results.csv_text import csv_bytes
    from brainseg.results.evaluated_runs import read_evaluated_run

    runs = [add("one", seed=1), add("two", {"model.head": "svm"}, seed=2)]
    table = runs_table(compare([read_evaluated_run(RunStore(), run) for run in runs]))
    back = pd.read_csv(io.BytesIO(csv_bytes(for_csv(table))))
    assert (back["disclaimer"] == DISCLAIMER).all()
    assert np.isnan(back["seconds_per_epoch"][1])
    low, accuracy, high = (back[name][0] for name in ("accuracy_low", "accuracy", "accuracy_high"))
    assert low < accuracy < high


def test_tasks_are_never_mixed(add) -> None:
    run = add("classifier")
    other = replace(run, config=run.config.model_copy(update={"task": "segment"}))
    with pytest.raises(RunError, match="classify, segment"):
        check_comparable([run, other])


def test_the_page_needs_no_torch(add) -> None:
    add("one", seed=1)
    add("two", seed=2)
    script = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        "for name in ('compare', 'home'):\n"
        "    app = AppTest.from_file(f'pages/{name}.py', default_timeout=60).run()\n"
        "    assert not app.exception and not app.error, (app.exception, app.error)\n"
        "print(sorted({'torch', 'fastai', 'torchvision', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=child_environment())
    assert done.stdout.strip() == "[]", done.stderr


def test_numbers_sort_as_numbers(add, open_page) -> None:
    for seed, head in enumerate(("concat-pool", "concat-pool", "logistic"), 1):
        add(f"run {seed}", {"model.head": head}, seed=seed)
    runs, settings, pairs, *_ = (table.value for table in open_page("compare").dataframe)
    for title in ("Parameters (M)", "Seconds per epoch", "Per diagnosis (ms)", "Bundle (MB)"):
        assert runs[title].dtype.kind == "f"
    assert pairs.drop(columns=["First", "Second", "Test"]).dtypes.map(lambda kind: kind.kind in "fi").all()
    assert settings["Setting"].tolist() == ["model.head"]
    assert settings["run 3"].tolist() == ["logistic"]


def test_the_choice_stands_in_the_address_from_the_start(add, open_page) -> None:
    runs = [add("one", seed=1), add("two", seed=2)]
    named = open_page("compare").query_params["runs"]
    assert (named if isinstance(named, str) else named[0]) == ",".join(run.id for run in reversed(runs))
    app = open_page("compare", runs="one,two", **{"compare-loss": "nonsense", "compare-cost": "%"})
    assert chosen(app) == [runs[0].id, runs[1].id]
    assert not app.error


def test_runs_with_the_same_settings_say_so(add, open_page) -> None:
    add("one", seed=1)
    add("two", seed=2)
    app = open_page("compare")
    assert SAME_SETTINGS in plain(app.markdown)
    assert "settings" not in [each.key for each in app.dataframe]
