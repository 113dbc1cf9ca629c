"""Ranges as users write them, checked against the schema of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.config import RunConfig
from brainseg.errors import ConfigError
from brainseg.search.plan import SearchPlan, can_prune, plan_search, refuse_changed_ranges
from brainseg.search.ranges import Range, parse_ranges
from tests.conftest import tiny_config

CONFIG = tiny_config(Path("somewhere"))
TEXTS = [
    "training.learning_rate=1e-5:1e-2:log",
    "model.arch=resnet18,resnet34",
    "training.batch_size=8:30:step=8",
    "preparation.size=64:96",
    "training.mixup=0:0.3:step=0.1",
    "model.stages=[2],[1,2]",
    "training.augmentation.flip=true,false",
]


def test_numbers_choices_steps_and_lists_are_read() -> None:
    rate, arch, batch, size, mixup, stages, flip = parse_ranges(TEXTS, CONFIG)
    assert (rate.low, rate.high, rate.log, rate.values) == (1e-5, 1e-2, True, None)
    assert arch.values == ("resnet18", "resnet34")
    assert batch.values == (8, 16, 24)
    assert size.values == (64, 72, 80, 88, 96)  # the schema allows multiples of 8
    assert mixup.values == (0.0, 0.1, 0.2, 0.3)
    assert stages.values == ([2], [1, 2])
    assert flip.values == (True, False)


def test_ranges_are_written_as_they_are_read_and_stored_unchanged() -> None:
    ranges = parse_ranges(TEXTS, CONFIG)
    assert parse_ranges([each.words() for each in ranges], CONFIG) == ranges
    plan = plan_search(ranges, CONFIG, ["accuracy", "f1"], metric="f1", hours=2, method="random")
    assert SearchPlan.from_json(plan.to_json()) == plan
    for damaged in ("", "{}", '{"ranges": []}', plan.to_json().replace("random", "magic")):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is damaged
            SearchPlan.from_json(damaged)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training.learning_rate", "does not have the form"),
        ("data.seed=1,2", "cannot be searched"),
        ("model.depth=1:2", "'model.depth' is not a setting"),
        ("training.batch_size=8:33.5", "it takes whole numbers"),
        ("training.batch_size=1:32", "training.batch_size: 1 is not allowed"),
        ("training.learning_rate=1e-5:11", "11.0 is not allowed"),
        ("model.arch=resnet18,vgg", "'vgg' is not allowed"),
        ("model.arch=1:2", "write model.arch=value,value"),
        ("model.dropout=0.1", "one value is nothing to search"),
        ("model.dropout=0.5:0.1", "first bound must be below"),
        ("model.dropout=0:0.5:log", "must begin above 0"),
        ("model.dropout=0.1:0.5:log:step=0.1", "exclude each other"),
        ("model.dropout=0.1:0.5:half", "only :log or :step=S"),
        ("model.dropout=0.1:0.5:step=0", "step must be above 0"),
        ("model.dropout=0.1:0.5:step=1", "leads beyond"),
        ("model.dropout=0.1:nan", "not a finite number"),
        ("model.dropout=low:high", "'low' is not a number"),
        ("model.dropout=0.1,0.1", "names a value twice"),
        ("preparation.size=64:128:step=4", "68 is not allowed"),
        ("preparation.size=32:64:log", "multiples of 8"),
        ("model.self_attention=true,false", "not for task classify"),
    ],
)
def test_a_wrong_range_ends_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse_ranges([text], CONFIG)
    assert str(caught.value).endswith(".")


def test_a_setting_is_named_once() -> None:
    with pytest.raises(ConfigError, match=r"names model\.dropout twice"):
        parse_ranges(["model.dropout=0,0.5", "model.dropout=0.1,0.2"], CONFIG)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"trials": 0}, "0 trials are not allowed"),
        ({"hours": -1}, "-1 hours are not allowed"),
        ({"method": "magic"}, "choose tpe, random, grid"),
        ({"method": "grid"}, "A grid needs values or steps"),
        ({"metric": "beauty"}, "choose accuracy"),
        ({"confirm": "maybe"}, "choose test, folds, none"),
    ],
)
def test_a_wrong_plan_ends_in_one_sentence(choices: dict[str, object], words: str) -> None:
    ranges = parse_ranges(TEXTS[:2], CONFIG)
    with pytest.raises(ConfigError, match=words):
        plan_search(ranges, CONFIG, ["accuracy"], **choices)
    with pytest.raises(ConfigError, match="Nothing to search"):
        plan_search([], CONFIG, ["accuracy"])


def test_trials_whose_epochs_cannot_be_compared_are_not_pruned() -> None:
    def prunes(text: str, config: RunConfig = CONFIG) -> bool:
        return can_prune(parse_ranges([text], config), config)

    assert prunes("model.dropout=0,0.5")
    assert not prunes("training.epochs=1:4")
    assert not prunes("model.regularisation=0.1,1", CONFIG.with_settings({"model.head": "logistic"}))


def test_a_changed_range_is_refused_in_one_sentence() -> None:
    before = parse_ranges(TEXTS[:2], CONFIG)
    plan = plan_search(before, CONFIG, ["accuracy"])
    refuse_changed_ranges(plan, tuple(reversed(before)))
    for changed in ([*TEXTS[:1]], [TEXTS[0], "model.arch=resnet18,resnet50"], [*TEXTS[:3]]):
        with pytest.raises(ConfigError, match=r"differs .* before, .* now"):
            refuse_changed_ranges(plan, parse_ranges(changed, CONFIG))
    wider = replaced(before[0], high=0.1)
    with pytest.raises(ConfigError, match=r"1e-05:0\.01:log before, .*1e-05:0\.1:log now"):
        refuse_changed_ranges(plan, (wider, before[1]))


def replaced(found: Range, high: float) -> Range:
    return Range(found.name, (), found.low, high, found.log)
