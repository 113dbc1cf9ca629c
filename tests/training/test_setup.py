from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brainseg.models.architectures import build_classifier
from brainseg.models.weights import load_weights
from brainseg.training.context import parameter_groups


def sizes(model, groups) -> list[int]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert sorted(names[id(p)] for group in groups for p in group) == sorted(names.values())
    return [len(group) for group in groups]


def test_random_stages_learn_with_the_head(partial_weights: Callable[[str], Path]) -> None:
    model = build_classifier("resnet18", 2)
    weights = load_weights(model.body, "resnet18", str(partial_weights("resnet18")))
    early, late, new = parameter_groups(model, weights)
    assert sizes(model, [early, late, new])[0] > 0
    assert {id(p) for p in model.body.layer4.parameters()} <= {id(p) for p in new}
    assert {id(p) for p in model.body.layer3.parameters()} == {id(p) for p in late}


def test_random_weights_make_one_group() -> None:
    model = build_classifier("resnet18", 2)
    assert len(sizes(model, parameter_groups(model, load_weights(model.body, "resnet18", "none")))) == 1


@pytest.mark.parametrize("stages", [(3,), (2, 3)])
def test_a_body_that_ends_at_its_pretrained_stages_is_fully_pretrained(
    partial_weights: Callable[[str], Path], stages: tuple[int, ...]
) -> None:
    model = build_classifier("resnet34", 2, stages=stages)
    weights = load_weights(model.body, "resnet34", str(partial_weights("resnet34")))
    assert weights.pretrained
    assert {id(p) for p in parameter_groups(model, weights)[-1]} == {id(p) for p in model.head.parameters()}
