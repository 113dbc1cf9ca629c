"""The finder and the frozen phase: each image passes the frozen body once, and the head trains on what came out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from brainseg.models.architectures import ResNetBody
from brainseg.models.inputs import normalise, to_batch
from brainseg.tasks import task_of
from brainseg.training import head_inputs as module
from brainseg.training.context import TrainingContext
from brainseg.training.finetune import fine_tune
from brainseg.training.head_inputs import HeadAlone, head_inputs
from brainseg.training.log import TrainingCancelled
from brainseg.training.lr_finder import find_rate
from brainseg.training.setup import open_run
from brainseg.training.trainer import train


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    """Weights of a ResNet18's first half."""
    torch.manual_seed(0)
    state = torchvision.models.resnet18(weights=None).state_dict()
    file = tmp_path_factory.mktemp("weights") / "half.safetensors"
    save_file({name: value for name, value in state.items() if not name.startswith(("layer3", "layer4", "fc"))}, file)
    return str(file)


@pytest.fixture
def passed(monkeypatch) -> list[int]:
    """Collect the sizes of the batches that pass a body."""
    sizes, forward = [], ResNetBody.forward

    def count(self: ResNetBody, images: torch.Tensor) -> list[torch.Tensor]:
        sizes.append(len(images))
        return forward(self, images)

    monkeypatch.setattr(ResNetBody, "forward", count)
    return sizes


@pytest.fixture
def opened(home, config, recorder, tmp_path, weights):
    def go(settings: dict, log=None) -> TrainingContext:
        return open_run(task_of(config({"model.weights": weights, **settings})), log or recorder(), tmp_path)

    return go


SETTINGS = {"training.learning_rate": "valley", "training.finder_steps": 20, "training.epochs": 0}


@pytest.mark.parametrize("head", ["concat-pool", "local"])
def test_finder_and_frozen_phase_pass_each_image_once(opened, recorder, passed, head: str) -> None:
    log = recorder()
    context = opened({**SETTINGS, "training.frozen_epochs": 3, "model.head": head}, log)
    before = {name: value.clone() for name, value in context.model.named_parameters()}
    fine_tune(context)
    assert sum(passed) == len(context.inputs.images) == 40
    assert max(passed) <= 8
    assert [epoch.phase for epoch in log.epochs] == ["frozen"] * 3
    for name, value in context.model.named_parameters():
        assert value.equal(before[name]) is name.startswith("body")


@pytest.mark.parametrize("head", ["concat-pool", "local"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_head_sees_what_the_network_would_have_made(opened, head: str, precision: str) -> None:
    context = opened({"model.head": head, "compute.precision": precision, "training.batch_size": 500})
    model, before = context.model, {name: value.clone() for name, value in context.model.state_dict().items()}
    found = head_inputs(context)
    assert found is not None
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    images = to_batch(np.stack([context.inputs.images[row] for row in context.inputs.rows("train")]))
    model.train()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout | torch.nn.Dropout2d):
            layer.p = 0.0
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        expected = model(normalise(images, "imagenet"))
        logits = HeadAlone(model)(*(values.float() for values in found.train))
    # Other neighbours in a batch of the same images change the last digits of its sums, in bfloat16 the third.
    torch.testing.assert_close(
        logits.float(),
        expected.float(),
        **({"rtol": 1e-3, "atol": 1e-4} if precision == "fp32" else {"rtol": 0.1, "atol": 0.1}),
    )
    found.adapt(model)
    assert not model.body.bn1.running_mean.equal(before["body.bn1.running_mean"])
    assert model.body.bn1.weight.equal(before["body.bn1.weight"])


def test_a_finder_alone_reads_no_more_images_than_its_steps_need(opened, passed) -> None:
    context = opened({**SETTINGS, "training.batch_size": 2, "training.balance": "sampling"})
    found = head_inputs(context, most=10)
    assert found is not None
    assert sum(passed) == len(found.places) == len(found.train[0]) == 10
    assert (np.diff(found.places) > 0).all()
    curve, suggestion = find_rate(context, found)
    assert sum(passed) == 10
    assert len(curve) > 5
    assert suggestion > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"model.weights": "none"},  # the body learns, too
        {"model.stages": [3], "model.arch": "resnet18"},  # layer3 is not in the file and learns with the head
    ],
)
def test_a_body_that_learns_is_run_in_every_epoch(opened, settings: dict) -> None:
    assert head_inputs(opened(settings)) is None


def test_maps_that_would_fill_the_memory_are_not_kept(opened, monkeypatch, passed) -> None:
    context = opened({"model.head": "local"})
    before = {name: value.clone() for name, value in context.model.state_dict().items()}
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    assert head_inputs(context) is None
    assert len(passed) == 1
    assert all(value.equal(before[name]) for name, value in context.model.state_dict().items())


def test_a_cancelled_pass_stops_between_batches(opened, recorder, passed) -> None:
    log = recorder(lambda log: len([step for step in log.steps if step.phase == "features"]) >= 2)
    with pytest.raises(TrainingCancelled):
        head_inputs(opened({}, log))
    assert len(passed) == 2


def test_a_resumed_frozen_phase_draws_the_uninterrupted_curves(home, config, recorder, tmp_path: Path, weights) -> None:
    settings = config(
        {"model.weights": weights, "training.frozen_epochs": 3, "training.epochs": 1, "training.mixup": 0.2}
    )

    def go(name: str, stop=lambda log: False):
        log = recorder(stop)
        train(task_of(settings), log, tmp_path / name, name)
        return pd.DataFrame([epoch.to_dict() for epoch in log.epochs]).drop(columns="seconds")

    whole = go("whole")
    with pytest.raises(TrainingCancelled):
        go("part", lambda log: len(log.epochs) >= 2)
    pd.testing.assert_frame_equal(go("part"), whole, atol=1e-5)
