from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from brainseg.models.architectures import build_classifier
from brainseg.models.heads import LogSumExpPool
from tests.models.conftest import ARCHES, LARGE_ARCHES, SIZE, live

HEADS = ("concat-pool", "local", "logistic", "svm")
STAGES = ((4,), (3,), (2, 3), (1, 4), (1, 2, 3, 4))


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def body_shapes(arch: str, last_stage: int = 4) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        resnet = torchvision.models.get_model(arch, weights=None)
    left_out = ("fc.", *(f"layer{stage}." for stage in range(last_stage + 1, 5)))
    return {name: shape for name, shape in shapes(resnet).items() if not name.startswith(left_out)}


def trunk(resnet: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    """The maps of all four stages, by torchvision's own modules."""
    values = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
    maps = []
    for layer in (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4):
        values = layer(values)
        maps.append(values)
    return maps


@pytest.mark.parametrize("arch", [*ARCHES, *LARGE_ARCHES])
def test_body_has_the_names_and_shapes_of_torchvision(arch):
    with torch.device("meta"):
        model = build_classifier(arch, 2)
    assert shapes(model.body) == body_shapes(arch)


@pytest.mark.parametrize("stages", STAGES)
def test_body_ends_with_the_last_stage_that_is_needed(stages):
    assert shapes(build_classifier("resnet18", 2, stages=stages).body) == body_shapes("resnet18", stages[-1])


@pytest.mark.parametrize("arch", ARCHES)
def test_maps_are_those_of_torchvision_with_the_same_weights(arch, images):
    resnet = live(torchvision.models.get_model(arch, weights=None))
    body = build_classifier(arch, 2, stages=(1, 2, 3, 4)).body.eval()
    body.load_state_dict({name: value for name, value in resnet.state_dict().items() if not name.startswith("fc.")})
    with torch.no_grad():
        maps, expected = body(images), trunk(resnet, images)
    assert len(maps) == 4
    for values, reference in zip(maps, expected, strict=True):
        assert torch.equal(values, reference)
        assert reference.std() > 0.01


@pytest.mark.parametrize("stages", STAGES)
def test_only_the_chosen_stages_are_returned_shallow_to_deep(stages, classifier, images):
    chosen, every = build_classifier("resnet18", 2, stages=stages).body.eval(), classifier(stages=(1, 2, 3, 4)).body
    chosen.load_state_dict({name: every.state_dict()[name] for name in chosen.state_dict()})
    with torch.no_grad():
        maps, all_maps = chosen(images), every(images)
    assert [values.shape[1] for values in maps] == list(chosen.channels)
    assert all(torch.equal(values, all_maps[stage - 1]) for values, stage in zip(maps, stages, strict=True))


@pytest.mark.parametrize(
    ("arch", "channels"), [("resnet34", (64, 128, 256, 512)), ("resnet50", (256, 512, 1024, 2048))]
)
def test_channels_are_known_before_anything_is_computed(arch, channels):
    assert build_classifier(arch, 2, stages=(1, 2, 3, 4)).body.channels == channels


@pytest.mark.parametrize(("arch", "channels"), [("resnet18", 512), ("resnet50", 2048)])
@pytest.mark.parametrize("classes", [2, 4])
def test_concat_pool_head_has_the_layers_of_fastai(arch, channels, classes):
    from fastai.vision.learner import create_head

    dropout = 0.4
    reference = [layer for layer in create_head(channels, classes, ps=dropout) if layer.__class__.__name__ != "Flatten"]
    own = list(build_classifier(arch, classes, dropout=dropout).head)
    assert reference[0].__class__.__name__ == "AdaptiveConcatPool2d"
    assert [repr(layer) for layer in own[1:]] == [repr(layer) for layer in reference[1:]]
    assert [shapes(layer) for layer in own[1:]] == [shapes(layer) for layer in reference[1:]]


def test_concat_pool_head_computes_what_fastai_computes(classifier, images):
    from fastai.vision.learner import create_head

    model = classifier()
    reference = create_head(512, 2)
    # fastai pools and flattens in two layers, so its layer numbers are one higher.
    state = {f"{int(name[0]) + 1}{name[1:]}": value for name, value in model.head.state_dict().items()}
    reference.load_state_dict(state)
    with torch.no_grad():
        maps = model.body(images)
        torch.testing.assert_close(model.head(maps), reference.eval()(maps[0]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("stages", [(4,), (2, 3)])
@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_baseline_heads_are_one_linear_map_of_pooled_maps(head, stages, classifier, images):
    model = classifier("resnet18", head, stages)
    with torch.no_grad():
        maps = model.body(images)
        features = [maps[-1].flatten(2).max(dim=2).values, *(part.flatten(2).mean(dim=2) for part in reversed(maps))]
        expected = torch.cat(features, dim=1) @ model.head[-1].weight.T + model.head[-1].bias
        torch.testing.assert_close(model.head(maps), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("stages", [(3,), (2, 3)])
def test_the_local_head_pools_a_logit_of_every_position(stages, classifier, images):
    model = classifier("resnet18", "local", stages)
    *layers, pool = model.head
    with torch.no_grad():
        maps = model.body(images)
        positions = nn.Sequential(*layers)(maps).flatten(2).double()
        expected = torch.log(torch.exp(pool.sharpness * positions).mean(2)) / pool.sharpness
        torch.testing.assert_close(model.head(maps).double(), expected, rtol=0, atol=1e-5)
    assert positions.shape[2] == maps[0].shape[2] * maps[0].shape[3]
    assert positions.std() > 0.01


def test_log_sum_exp_lies_between_mean_and_maximum():
    logits = torch.tensor([[[[-1.0, 0.0], [0.0, 3.0]]]])
    mild, sharp = (float(LogSumExpPool(sharpness)(logits)) for sharpness in (1e-3, 1e3))
    assert mild == pytest.approx(logits.mean().item(), abs=1e-2)
    assert sharp == pytest.approx(3, abs=1e-2)
    assert mild < float(LogSumExpPool(4.0)(logits)) < sharp


@pytest.mark.parametrize(
    ("arch", "head", "stages"),
    [
        *(("resnet18", head, stages) for head in HEADS for stages in ((4,), (2, 3))),
        ("resnet34", "concat-pool", (4,)),
        ("resnet50", "logistic", (2, 3)),
    ],
)
def test_logits_are_the_head_on_the_body(arch, head, stages, classifier, images):
    model = classifier(arch, head, stages)
    with torch.no_grad():
        logits = model(images)
        assert torch.equal(logits, model.head(model.body(images)))
    assert logits.shape == (3, 2)
    assert logits.isfinite().all()


@pytest.mark.parametrize("size", [32, 72, 104])
def test_any_size_goes_through(size):
    with torch.no_grad():
        assert build_classifier("resnet18", 3).eval()(torch.zeros(1, 3, size, size)).shape == (1, 3)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_score_for_each_class(classes):
    with torch.no_grad():
        assert build_classifier("resnet18", classes).eval()(torch.zeros(2, 3, SIZE, SIZE)).shape == (2, classes)
