"""The form drawn from `RunConfig`: complete, without changes to values, and with a message for each error."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field
from streamlit.testing.v1 import AppTest

from brainseg.app.messages import on_page
from brainseg.app.train.form import ELSEWHERE, FIRST, OTHER_TASK, folded, shown_first
from brainseg.app.train.launch import NO_NETWORK, NO_WEIGHTS_FILE, configurations, instant_baseline
from brainseg.app.train.widgets import NUMBER
from brainseg.config import TASKS, RunConfig, parse_settings, preset_names
from brainseg.config import form_fields as train_fields
from brainseg.config.form_fields import FormField, for_task, form_fields
from brainseg.config.presets import preset_notes
from brainseg.errors import ConfigError
from tests.app.page_text import message

LOCKED = {
    "classify": {
        *("data.modalities", "data.mask_threshold", "model.self_attention", "model.bottleneck"),
        "evaluation.empty_masks",
    },
    "segment": {
        *("data.positive", "data.allow_conflicting_labels", "model.head", "model.dropout", "training.label_smoothing"),
        *("training.mixup", "evaluation.heatmap_method", "evaluation.heatmap_layer"),
    },
}


def script() -> None:
    import streamlit as st

    from brainseg.app.train.form import choose_preset, draw_settings

    st.session_state["values"] = draw_settings(choose_preset())


@pytest.fixture
def form() -> AppTest:
    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    return app


def values_of(app: AppTest):
    assert not app.exception
    return app.session_state["values"]


def widget(app: AppTest, name: str):
    version = app.session_state["train:version"] if "train:version" in app.session_state else 0  # noqa: SIM401
    key = f"train:{version}:{name}"
    for kind in (app.selectbox, app.number_input, app.text_input, app.toggle):
        for each in kind:
            if each.key == key:
                return each
    raise AssertionError(f"no widget for {name}")


def test_every_setting_is_a_field_with_a_help_text() -> None:
    fields = form_fields()
    assert [field.name for field in fields] == list(RunConfig().flat())
    assert all(field.help and field.label for field in fields)


def test_every_field_has_a_widget_or_a_place_of_its_own(form: AppTest) -> None:
    for field in form_fields():
        if field.name in ELSEWHERE or (field.kind == "choice" and len(field.choices) == 1):
            continue
        drawn = widget(form, field.name)
        assert drawn.label == field.label
        assert drawn.proto.help.endswith(field.help)
        assert drawn.disabled == (field.name in LOCKED["classify"])


@pytest.mark.parametrize("task", LOCKED)
def test_what_a_task_ignores_is_locked_to_its_one_value(task: str) -> None:
    fields = [for_task(field, task) for field in form_fields()]
    assert {field.name for field in fields if field.locked} == LOCKED[task]
    own = TASKS[task]().flat()
    assert all(field.fixed == own[field.name] for field in fields if field.locked)


def test_the_choice_of_a_task_names_all_tasks_and_what_each_gives() -> None:
    (field,) = [field for field in form_fields() if field.name == "task"]
    assert (field.kind, field.choices) == ("choice", ("classify", "segment"))
    assert all(f"{name}: " in field.help for name in ("classify", "segment"))


def test_bounds_and_choices_are_those_of_the_configuration() -> None:
    fields = {field.name: field for field in form_fields()}
    size = fields["preparation.size"]
    assert (size.kind, size.least, size.most, size.step) == ("whole", 32, 1024, 8)
    assert fields["data.split"].choices == ("random", "grouped", "k-fold", "given")
    rate = fields["training.learning_rate"]
    assert (rate.kind, rate.choices, rate.most) == ("choice or number", ("valley",), 10)
    assert (fields["model.stages"].kind, fields["model.stages"].optional) == ("list", True)
    assert (fields["data.positive"].kind, fields["data.positive"].optional) == ("text", True)
    assert fields["data.stratify"].kind == "switch"


def test_fields_that_nobody_has_written_yet_appear_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    class Evaluation(BaseModel):
        empty_masks: Literal["skip", "one"] = Field("skip", description="The rule.")
        weight: Annotated[float, Field(gt=0, le=2)] = Field(1.0, description="A weight.")
        names: tuple[str, ...] | None = Field(None, description="Names.")
        odd: dict[str, int] = Field({}, description="Something that has no widget of its own.")

    class Grown(RunConfig):
        task: Literal["classify", "segment"] = Field("classify", description="The task.")
        evaluation: Evaluation = Evaluation()

    monkeypatch.setattr(train_fields, "RunConfig", Grown)
    fields = {field.name: field for field in form_fields()}
    assert fields["evaluation.empty_masks"].choices == ("skip", "one")
    assert (fields["evaluation.weight"].kind, fields["evaluation.weight"].most) == ("number", 2)
    assert fields["evaluation.names"].kind == "list"
    assert fields["evaluation.odd"].kind == "text"
    assert shown_first(list(fields.values()))[0].name == "task"
    assert [field.name for field in folded(list(fields.values()))["evaluation"]] == [
        name for name in fields if name.startswith("evaluation.")
    ]


def test_what_matters_stands_first_and_exists() -> None:
    assert {field.name for field in shown_first(form_fields())} >= set(FIRST)


@pytest.mark.parametrize("preset", preset_names())
def test_an_untouched_form_is_its_preset(form: AppTest, preset: str) -> None:
    values = values_of(form.selectbox(key="train:preset").select(preset).run())
    assert (values.preset, values.settings, values.faults) == (preset, {}, [])
    assert set(preset_notes(preset)) == {"What", "Cost", "Not for"}


def another(field: FormField, value: object) -> object:
    """A value that is allowed and differs."""
    match field.kind:
        case "switch":
            return not value
        case "choice":
            return next(word for word in field.choices if word != value)
        case "whole":
            step = int(field.step or 1)
            return value + step if field.most is None or value + step <= field.most else value - step
        case "number":
            return value + 0.125 if field.most is None or value + 0.125 <= field.most else value - 0.125
        case "choice or number":
            return NUMBER
        case "list":
            return "2, 4" if field.name == "model.stages" else "T1, FLAIR"
        case _:
            return {"data.groups": "none", "data.mask_threshold": "0.5"}.get(field.name, "yes")


@pytest.mark.parametrize("task", ["classify", "segment"])
def test_values_come_through_unchanged(form: AppTest, task: str) -> None:
    widget(form, "task").set_value(task).run()
    start, wanted = RunConfig.from_preset("default").flat(), {} if task == "classify" else {"task": task}
    for field in form_fields():
        if field.name not in (*ELSEWHERE, "task") and not for_task(field, task).locked:
            others = {("training.loss", "classify"): "cross-entropy", ("training.balance", "segment"): "sampling"}
            wanted[field.name] = others.get((field.name, task)) or another(field, start[field.name])
            widget(form, field.name).set_value(wanted[field.name])
    form.run()
    form.number_input(key="train:0:training.learning_rate:number").set_value(0.0025).run()
    wanted |= {"training.learning_rate": 0.0025, "model.stages": [2, 4]}
    wanted |= {"data.modalities": ["T1", "FLAIR"], "data.mask_threshold": 0.5} if task == "segment" else {}
    values = values_of(form)
    assert values.settings == wanted
    assert values.faults == []
    flat = RunConfig.from_preset("default", values.settings).flat()
    assert {name: flat[name] for name in wanted} == wanted


def test_a_task_that_the_preset_is_not_made_for_is_told_its_own(form: AppTest) -> None:
    sentence = OTHER_TASK.format("segment")
    assert sentence not in [caption.value for caption in form.caption]
    widget(form, "task").set_value("segment").run()
    assert sentence in [caption.value for caption in form.caption]


def test_what_the_other_task_had_is_taken_back(form: AppTest) -> None:
    widget(form, "training.mixup").set_value(0.4)
    widget(form, "data.positive").set_value("tumour")
    widget(form, "model.head").set_value("svm")
    assert values_of(form.run()).settings == {"training.mixup": 0.4, "data.positive": "tumour", "model.head": "svm"}
    widget(form, "task").set_value("segment")
    assert values_of(form.run()).settings == {"task": "segment"}
    assert widget(form, "training.mixup").value == 0
    assert widget(form, "model.head").disabled
    assert not widget(form, "model.self_attention").disabled


def test_another_preset_takes_all_values_back(form: AppTest) -> None:
    widget(form, "training.epochs").set_value(3)
    assert values_of(form.run()).settings == {"training.epochs": 3}
    assert values_of(form.selectbox(key="train:preset").select("paper").run()).settings == {}
    assert widget(form, "training.epochs").value == 15


def test_a_wrong_text_and_a_wrong_combination_are_sentences(form: AppTest) -> None:
    widget(form, "model.stages").set_value("2, [")
    values = values_of(form.run())
    assert [on_page(fault) for fault in values.faults] == [message(parse_settings, ["model.stages=[2, []"])]
    assert values.faults[0].startswith("model.stages: ")
    assert "'[2, []'" in values.faults[0]
    with pytest.raises(ConfigError, match=r"model\.stages"):
        configurations(values, "data", ["resnet18"], "none")
    widget(form, "model.stages").set_value("4, 2")
    values = values_of(form.run())
    with pytest.raises(ConfigError, match="stages"):
        configurations(values, "data", ["resnet18"], "none")


def test_each_architecture_is_a_configuration(form: AppTest) -> None:
    widget(form, "training.epochs").set_value(3)
    values = values_of(form.run())
    found = configurations(values, "/data", ["resnet18", "resnet50"], "none")
    assert [config.model.arch for config in found] == ["resnet18", "resnet50"]
    assert {config.training.epochs for config in found} == {3}
    assert {(config.data.path, config.model.weights) for config in found} == {("/data", "none")}
    baseline = instant_baseline(found[0])
    assert (baseline.model.head, baseline.model.stages) == ("logistic", None)
    assert baseline.data == found[0].data
    with pytest.raises(ConfigError, match=NO_NETWORK):
        configurations(values, "/data", [], "none")
    with pytest.raises(ConfigError, match=NO_WEIGHTS_FILE):
        configurations(values, "/data", ["resnet18"], "")


@pytest.mark.parametrize("name", ["data.groups", "data.mask_threshold"])
def test_what_belongs_to_a_dataset_can_be_set_for_its_task_and_is_explained(name):
    (field,) = [field for field in form_fields() if field.name == name]
    assert len(field.help) > 100
    assert any(field in members for members in folded(form_fields()).values())
    assert not for_task(field, "segment").locked
    assert for_task(field, "classify").locked == (name == "data.mask_threshold")
