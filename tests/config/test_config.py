from __future__ import annotations

import math
import subprocess
import sys
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
import yaml
from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brainseg.cli.options import RunOptions
from brainseg.config import (
    TASKS,
    ClassificationRun,
    RunConfig,
    SegmentationRun,
    load_preset,
    parse_settings,
    preset_names,
)
from brainseg.config.messages import allowed_values, field_at
from brainseg.errors import ConfigError


def fields_of(section: type[BaseModel] = RunConfig, prefix: str = "") -> dict[str, FieldInfo]:
    """Every setting by its dotted name."""
    found = {}
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= fields_of(field.annotation, f"{prefix}{name}.")
        else:
            found[prefix + name] = field
    return found


FIELDS = fields_of()
NUMBERS = {name: field for name, field in FIELDS.items() if field.annotation in (int, float)}
WORDS = {name: get_args(field.annotation) for name, field in FIELDS.items() if get_origin(field.annotation) is Literal}
WORDS["task"] = tuple(TASKS)  # known once every task's class is
SWITCHES = [name for name, field in FIELDS.items() if field.annotation is bool]
TEXTS = [name for name, field in FIELDS.items() if field.annotation in (str, str | None) and name != "task"]
SECTIONS = ["data", "preparation", "model", "training", "training.augmentation", "compute"]
ODD_TEXTS = [
    "yes",
    "no",
    "null",
    "~",
    "007",
    "1e-3",
    "2024-13-45",
    "ünïcode 🧠",
    "a: b # c",
    'it\'s "so"',
    " a\n\tb ",
    "\x85",
]


def nested(values: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return tree


def refusal(settings: dict[str, Any]) -> str:
    """The error message for dotted settings."""
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_preset("default", settings)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


# -------------------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_goes_through_yaml_unchanged(preset):
    config = RunConfig.from_preset(preset)
    assert RunConfig.from_yaml(config.to_yaml()) == config
    assert RunConfig.parse(nested(config.flat())) == config


def random_value(field: FieldInfo, random: np.random.Generator) -> Any:
    low, high, step = 0.0, 1e6, 1
    for rule in field.metadata:
        if isinstance(rule, Ge | Gt):
            low = rule.ge if isinstance(rule, Ge) else math.nextafter(rule.gt, math.inf)
        elif isinstance(rule, Le | Lt):
            high = rule.le if isinstance(rule, Le) else math.nextafter(rule.lt, -math.inf)
        elif isinstance(rule, MultipleOf):
            step = int(rule.multiple_of)
    if field.annotation is int:
        return step * int(random.integers(math.ceil(low / step), math.floor(high / step) + 1))
    # Powers as well as a uniform range: YAML writes small numbers in a special way.
    return float(min(high, max(low, random.uniform(low, high) * 10.0 ** random.integers(-12, 1))))


def random_settings(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    values: dict[str, Any] = {name: random_value(field, random) for name, field in NUMBERS.items()}
    values |= {name: random.choice(words).item() for name, words in WORDS.items()}
    values |= {name: bool(random.integers(2)) for name in SWITCHES}
    values |= {name: random.choice(ODD_TEXTS).item() for name in TEXTS if name != "preset"}
    values["data.groups"] = random.choice(
        ["auto", "none", "folder:2", "column:a b", "exact", "per-class:name:(.*)_"]
    ).item()
    stages = sorted(random.choice([1, 2, 3, 4], random.integers(1, 5), replace=False).tolist())
    values["model.stages"] = stages if random.integers(2) else None
    modalities = random.choice(["t1", "t1ce", "t2", "flair"], random.integers(1, 4), replace=False).tolist()
    values["data.modalities"] = modalities if random.integers(2) else None
    values["data.mask_threshold"] = random.uniform(0.001, 65535) if random.integers(2) else None
    values["training.learning_rate"] = 10.0 ** random.uniform(-9, 1) if random.integers(2) else "valley"
    values["data.fold"] = int(random.integers(values["data.folds"]))
    values["data.outer_folds"] = 0 if values["data.outer_folds"] == 1 else values["data.outer_folds"]
    values["data.outer_fold"] = int(random.integers(max(1, values["data.outer_folds"])))
    if values["data.split"] == "given" or values["data.outer_folds"]:  # these have a test set, or leave images out
        values["data.test_fraction"] = 0.0
    values["training.epochs"] += values["training.frozen_epochs"] == 0 and values["training.epochs"] == 0
    assert set(values) == set(FIELDS) - {"preset"}
    return values | {name: allowed[0] for name, allowed in narrowed(values["task"]).items()}


def narrowed(task: str) -> dict[str, tuple[Any, ...]]:
    """The allowed values of the settings that a task's class restricts."""
    own = {name: allowed_values(field_at(TASKS[task], name.split("."))) for name in FIELDS if name != "task"}
    return {name: own[name] for name in own if own[name] and own[name] != allowed_values(FIELDS[name])}


def test_a_configuration_has_the_class_of_its_task():
    assert type(RunConfig.from_preset("default")) is ClassificationRun
    assert type(RunConfig.from_preset("segment")) is SegmentationRun
    assert type(RunConfig.from_yaml("task: segment")) is SegmentationRun
    assert set(narrowed("classify")) == {
        *("data.modalities", "data.mask_threshold", "model.self_attention", "model.bottleneck", "training.loss"),
        "evaluation.empty_masks",
    }
    assert len(narrowed("segment")) == 9


def test_several_settings_of_the_other_task_are_named_together():
    text = refusal({"training.loss": "dice", "data.modalities": ["flair"]})
    assert text == (
        "data.modalities ('flair',) is not for task classify, allowed: None. "
        "training.loss 'dice' is not for task classify, allowed: auto or cross-entropy."
    )


THIRD = """
from typing import Literal
from brainseg.config import RunConfig
from brainseg.config.form_fields import for_task, form_fields
from brainseg.config.sections import ModelConfig
from brainseg.errors import ConfigError

class AgeRun(RunConfig):
    about = "the age of the patient"
    default_preset = "quick"
    class Model(ModelConfig):
        head: Literal["logistic"] = "logistic"
    task: Literal["age"] = "age"
    model: Model = Model()

assert type(RunConfig.from_preset("quick", {"task": "age", "model.head": "logistic"})) is AgeRun
assert type(RunConfig.from_preset("quick")) is not AgeRun
fields = {field.name: for_task(field, "age") for field in form_fields()}
assert fields["task"].choices == ("classify", "segment", "age"), fields["task"]
assert fields["model.head"].locked and fields["model.head"].fixed == "logistic"
for settings in ({"task": "age", "model.head": "svm"}, {"task": "sex"}):
    try:
        RunConfig.from_preset("quick", settings)
    except ConfigError as error:
        print(error)
"""


def test_one_class_adds_a_task():
    done = subprocess.run([sys.executable, "-c", THIRD], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "model.head 'svm' is not for task age, allowed: logistic.",
        "task: 'sex' is not allowed: input should be 'classify', 'segment' or 'age'.",
    ]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"task": "segment", "model.head": "svm"}, "model.head"),
        ({"task": "segment", "model.dropout": 0.2}, "model.dropout"),
        ({"task": "segment", "training.mixup": 0.4}, "training.mixup"),
        ({"task": "segment", "training.balance": "weights"}, "training.balance"),
        ({"task": "segment", "data.positive": "yes"}, "data.positive"),
        ({"training.loss": "dice"}, "training.loss"),
        ({"data.modalities": ["flair"]}, "data.modalities"),
        ({"model.self_attention": True}, "model.self_attention"),
        ({"model.bottleneck": True}, "model.bottleneck"),
        ({"evaluation.empty_masks": "one"}, "evaluation.empty_masks"),
        ({"task": "segment", "evaluation.heatmap_layer": "layer1"}, "evaluation.heatmap_layer"),
        ({"task": "segment", "evaluation.heatmap_method": "layer-cam"}, "evaluation.heatmap_method"),
    ],
)
def test_a_setting_of_the_other_task_is_refused(settings, field):
    text = refusal(settings)
    assert text.startswith(field)
    assert f"not for task {settings.get('task', 'classify')}, allowed: " in text


def test_up_to_three_modalities_are_taken_in_their_order():
    config = RunConfig.from_preset("segment", parse_settings(["data.modalities=[flair, t1]"]))
    assert config.data.modalities == ("flair", "t1")
    assert "at most 3" in refusal({"task": "segment", "data.modalities": ["t1", "t1ce", "t2", "flair"]})


@pytest.mark.parametrize("seed", range(40))
def test_any_valid_configuration_goes_through_yaml_unchanged(seed):
    settings = random_settings(seed)
    config = RunConfig.from_preset("default", settings)
    assert RunConfig.from_yaml(config.to_yaml()) == config
    stored = yaml.safe_load(config.to_yaml())
    assert RunConfig.parse(stored).flat() == config.flat()
    assert {name: config.flat()[name] for name in settings} == settings


def test_preset_sets_what_its_file_says_and_nothing_else():
    for preset in preset_names():
        written = set(fields_in(load_preset(preset)))
        assert written <= set(FIELDS)
        own, defaults = RunConfig.from_preset(preset).flat(), RunConfig().flat()
        assert {name for name in own if own[name] != defaults[name]} <= written | {"preset"}


def fields_in(values: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, value in values.items():
        found += fields_in(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return found


def test_options_that_are_not_given_leave_the_presets_values(tmp_path):
    for preset in preset_names():
        config = RunOptions(tmp_path, preset=preset).config()
        assert config == RunConfig.from_preset(preset, {"data.path": str(tmp_path)})


def test_without_a_preset_each_task_starts_from_its_own(tmp_path):
    masks = RunOptions(tmp_path, settings=["task=segment"]).config()
    assert masks == RunConfig.from_preset("segment", {"data.path": str(tmp_path)})
    assert RunOptions(tmp_path).config().preset == "default"
    named = RunOptions(tmp_path, preset="quick", settings=["task=segment"]).config()
    assert (named.preset, named.task, named.preparation.size) == ("quick", "segment", 96)


def test_settings_of_a_dataset_stand_between_preset_and_settings():
    of_dataset = {"data.groups": "none", "data.mask_threshold": 128.0}
    classifier = RunConfig.from_preset("quick", {"data.path": "x"}, of_dataset)
    assert (classifier.data.groups, classifier.data.mask_threshold) == ("none", None)
    for preset, task in (("segment", {}), ("quick", {"task": "segment"})):
        config = RunConfig.from_preset(preset, {"data.path": "x", **task}, of_dataset)
        assert (config.data.groups, config.data.mask_threshold) == ("none", 128)
    own = RunConfig.from_preset("segment", {"data.path": "x", "data.mask_threshold": 9.0}, of_dataset)
    assert own.data.mask_threshold == 9
    with pytest.raises(ConfigError, match="mask_threshold"):
        RunConfig.from_preset("quick", {"data.path": "x", "data.mask_threshold": 9.0})


def test_paper_preset_is_the_papers_protocol():
    config = RunConfig.from_preset("paper")
    assert (config.data.split, config.data.valid_fraction, config.preparation.size) == ("random", 0.2, 224)
    assert (config.training.learning_rate, config.training.frozen_epochs, config.training.epochs) == ("valley", 1, 15)


def test_every_preset_says_what_it_is_for_what_it_costs_and_when_not_to_use_it():
    from importlib import resources

    for preset in preset_names():
        text = (resources.files("brainseg.config") / "preset_files" / f"{preset}.yaml").read_text("utf-8")
        assert all(f"# {word}: " in text for word in ("What", "Cost", "Not for")), preset


def test_every_setting_has_a_description():
    assert not [name for name, field in FIELDS.items() if not field.description]


def test_a_configuration_never_changes_once_made():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().training.epochs = 3  # type: ignore[misc]


# -------------------------------------------------------------------------------------------------------- wrong values


def outside(field: FieldInfo) -> list[tuple[Any, str]]:
    """Values just outside the bounds of a number, each with the bound that the message should name."""
    steps = [int(rule.multiple_of) for rule in field.metadata if isinstance(rule, MultipleOf)]
    step = steps[0] if steps else 1 if field.annotation is int else 1e-3
    values: list[tuple[Any, float]] = [(10 * step + 1, step) for step in steps]
    for rule in field.metadata:
        if isinstance(rule, Ge):
            values.append((rule.ge - step, rule.ge))
        elif isinstance(rule, Gt):
            values.append((rule.gt, rule.gt))
        elif isinstance(rule, Le):
            values.append((rule.le + step, rule.le))
        elif isinstance(rule, Lt):
            values.append((rule.lt, rule.lt))
    return [(value, str(bound).removesuffix(".0")) for value, bound in values]


@pytest.mark.parametrize("name", NUMBERS)
def test_number_beyond_its_bounds_is_refused_with_the_bound(name):
    beyond = outside(NUMBERS[name])
    assert beyond, f"{name} has no bounds at all"
    for value, bound in beyond:
        text = refusal({name: value})
        assert text.startswith(f"{name}: {value!r} is not allowed: input should be ")
        assert bound in text.split("input should be ")[1]


@pytest.mark.parametrize("name", [*NUMBERS, "training.learning_rate"])
def test_what_is_no_number_is_refused(name):
    for value in ("rubbish", None, [1], {"a": 1}, True, float("nan"), float("inf"), "1,5"):
        assert refusal({name: value}).startswith(f"{name}: {value!r} is not allowed: input should be ")


@pytest.mark.parametrize("name", WORDS)
def test_unknown_word_is_refused_with_all_that_are_known(name):
    for value in ("rubbish", None, 3, True, []):
        text = refusal({name: value})
        assert text.startswith(f"{name}: {value!r} is not allowed: input should be ")
        assert all(repr(word) in text for word in WORDS[name])


@pytest.mark.parametrize("name", SWITCHES)
def test_switch_takes_yes_or_no_only(name):
    for value in ("perhaps", 2, None, [], 0.5):
        assert refusal({name: value}).startswith(f"{name}: {value!r} is not allowed: ")


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "preset"])
def test_text_takes_no_number(name):
    assert refusal({name: 3}).startswith(f"{name}: 3 is not allowed: ")


@pytest.mark.parametrize("section", ["", *(f"{section}." for section in SECTIONS)])
def test_unknown_setting_is_refused_with_those_that_exist(section):
    beside = {name.removeprefix(section).split(".")[0] for name in FIELDS if name.startswith(section)}
    for unknown in ("rubbish", "float", "literal[x]", "constrained", "", " ", "ünï"):
        text = refusal({f"{section}{unknown}": 1})
        assert text.startswith(f"{section}{unknown} is not a setting, allowed here: ")
        assert set(text.split("here: ")[1].rstrip(".").split(", ")) == beside


@pytest.mark.parametrize("section", SECTIONS)
def test_section_is_no_value(section):
    for value in (5, "none", None, [], True):
        text = refusal({section: value})
        assert text.startswith(f"{section}: {value!r} is not allowed: it is a section with the fields ")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"data.fold": 5}, ["data", "fold 5", "0 to 4"]),
        ({"data.folds": 3, "data.fold": 3}, ["fold 3", "3 folds", "0 to 2"]),
        ({"model.stages": []}, ["model", "stages []", "ascending"]),
        ({"model.stages": [3, 2]}, ["stages [3, 2]", "ascending"]),
        ({"model.stages": [2, 2]}, ["stages [2, 2]"]),
        ({"model.stages": [2, 5]}, ["model.stages: 5 is not allowed", "4"]),
        ({"model.stages": [True]}, ["model.stages: True is not allowed"]),
        ({"model.stages": 3}, ["model.stages: 3 is not allowed"]),
        ({"model.weights": ""}, ["model.weights: '' is not allowed"]),
        ({"training.epochs": 0, "training.frozen_epochs": 0}, ["training", "epochs 0", "at least 1"]),
        ({"training.learning_rate": 0}, ["training.learning_rate: 0 is not allowed", "'valley' or greater than 0"]),
        ({"training.learning_rate": 11}, ["'valley' or less than or equal to 10"]),
        ({"training.epochs.x": 1}, ["training.epochs.x: epochs is a setting and has no fields"]),
        ({"a.b.c": 1}, ["a is not a setting"]),
        ({"preset": "paper"}, ["--preset"]),
    ],
)
def test_what_does_not_go_together_is_refused(settings, words):
    text = refusal(settings)
    assert all(word in text for word in words), text


def test_several_faults_are_named_together_each_once():
    text = refusal({"training.epochs": -1, "data.split": "fair", "compute.nice": "x"})
    assert [text.count(name) for name in ("training.epochs", "data.split", "compute.nice")] == [1, 1, 1]


def test_a_huge_value_does_not_flood_the_sentence():
    for value in ("x" * 100_000, ["y"] * 100_000, {"z": "z" * 100_000}, 16**6000):
        assert len(refusal({"training.epochs": value})) < 400


def test_unknown_preset_is_refused_with_those_that_exist():
    with pytest.raises(
        ConfigError, match=r"preset: 'best' is unknown, allowed: default, demo, localise, paper, quick, segment\."
    ):
        RunConfig.from_preset("best")


@pytest.mark.parametrize("name", ["../config", "default.yaml", "", "DEFAULT", "/etc/passwd"])
def test_preset_is_a_name_and_no_path(name):
    with pytest.raises(ConfigError, match="is unknown"):
        RunConfig.from_preset(name)


RUBBISH = [
    *("", "[]", "3", "text", "\0", "a: [", "a: b: c", "[" * 1200, "&a [*a]", "<<: 3"),
    *("1: 2", "data: {1: 2}", "null: 3", "? [1]\n: 2", "data:\n- path: x", "data: {path: null}", "data: 2024-13-45"),
    *("!!python/object/apply:os.getcwd []", "training: {epochs: 0x_}"),
]


@pytest.mark.parametrize("text", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_no_configuration(text):
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_yaml(text)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_text_of_many_references_is_refused_without_writing_it_out():
    """Each line refers to the previous one nine times: expanded, this would be 9^20 words."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 21))]
    with pytest.raises(ConfigError, match="a0 is not a setting"):
        RunConfig.from_yaml("\n".join(lines))
    with pytest.raises(ConfigError, match=r"training\.epochs: .* is not allowed"):
        RunConfig.from_yaml("\n".join([*lines, "training: {epochs: *a20}"]))


# --------------------------------------------------------------------------------------------------------------- --set


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("training.epochs=3", 3),
        (" training.epochs = 3 ", 3),
        ("training.learning_rate=1e-3", 1e-3),
        ("training.learning_rate=.5", 0.5),
        ("training.learning_rate=valley", "valley"),
        ("data.stratify=true", True),
        ("data.stratify=off", False),
        ("model.stages=[2, 3]", (2, 3)),
        ("model.stages=null", None),
        ("training.augmentation.flip=no", False),
        ("data.positive=no", "no"),
        ("data.positive=yes", "yes"),
        ("data.positive=1", "1"),
        ("data.positive=007", "007"),
        ("data.positive=nan", "nan"),
        ("data.positive='null'", "null"),
        ("data.positive=null", None),
        ("data.positive=a=b", "a=b"),
        ("data.path=/data/set #2", "/data/set #2"),
        ("data.path=2024-13-45", "2024-13-45"),
        ("data.path=C:\\set", "C:\\set"),
        ("data.path=[x]: {y", "[x]: {y"),
        ("model.weights=none", "none"),
        ("model.weights=run:1e5", "run:1e5"),
        ("preparation.denoise=none", "none"),
    ],
)
def test_setting_is_read_as_people_mean_it(text, value):
    settings = parse_settings([text])
    (field,) = settings
    config: Any = RunConfig.from_preset("default", settings)
    for name in field.split("."):
        config = getattr(config, name)
    assert config == value
    assert type(config) is type(value)


def test_the_last_of_two_settings_counts():
    assert parse_settings(["training.epochs=3", "training.epochs=4"]) == {"training.epochs": 4}


@pytest.mark.parametrize("text", ["", "training.epochs", "=3", " = ", "training.epochs 3"])
def test_setting_without_a_name_or_value_is_refused(text):
    with pytest.raises(ConfigError, match=r"does not have the form section\.field=value"):
        parse_settings([text])


def test_setting_that_is_no_yaml_is_refused():
    for value in ("[", "{a", "0x_", "1" * 5000, "2024-13-45", "[" * 1200, "!!python/name:os.x", "\0"):
        with pytest.raises(ConfigError, match=r"^training\.epochs: .* cannot be read as a value\.$") as caught:
            parse_settings([f"training.epochs={value}"])
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["training.epochs=yes", "training.epochs=", "training.epochs=1.5", "data.split=fair"])
def test_setting_of_the_wrong_kind_is_refused(text):
    assert text.split("=")[0] in refusal(parse_settings([text]))
