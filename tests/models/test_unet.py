from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
import torchvision
from fastai.vision.models.unet import DynamicUnet
from torch import nn

from brainseg.models.architectures import build_classifier
from brainseg.models.unet import UNet, build_unet
from brainseg.models.weights import load_weights
from tests.models.conftest import ARCHES, live

SIZE = 64


def fastai_unet(arch: str, stage: int, attention: bool, bottleneck: bool) -> nn.Module:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("kaiming_uniform_", "kaiming_normal_"):  # all weights are copied from ours; drawing takes seconds
            patch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
        resnet = torchvision.models.get_model(arch, weights=None)
        encoder = nn.Sequential(*list(resnet.children())[: 4 + stage])
        unet = DynamicUnet(encoder, 3, (SIZE, SIZE), self_attention=attention, bottle=bottleneck)
    if bottleneck:  # fastai 2.8 gives the last layer as many channels as without a bottleneck
        unet.layers[-2] = nn.Conv2d(unet.layers[-2][0].in_channels // 2, 3, 1)
    return unet.eval()


def copy_into(theirs: nn.Module, ours: UNet) -> None:
    """Copy our weights to fastai's network in the order of use; its spectral norms have other names."""
    attention = [module for module in theirs.modules() if hasattr(module, "weight_orig")]
    own = [module for name, module in ours.named_modules() if name.endswith(("query", "key", "value"))]
    for to, of in zip(attention, own, strict=True):
        norm = of.parametrizations.weight
        to.weight_orig.data.copy_(norm.original)
        to.weight_u.copy_(norm[0]._u)
        to.weight_v.copy_(norm[0]._v)
    if own:
        [to] = [module for module in theirs.modules() if hasattr(module, "gamma")]
        to.gamma.data.copy_(ours.head.blocks[-3].attention.gamma)

    def layers(model: nn.Module) -> list[nn.Module]:
        kinds = nn.Conv2d | nn.BatchNorm2d
        return [module for module in model.modules() if isinstance(module, kinds)]

    for to, of in zip(layers(theirs), layers(ours), strict=True):
        to.load_state_dict(of.state_dict())


@pytest.mark.parametrize(
    ("arch", "stage", "attention", "bottleneck"),
    [
        *((arch, 4, False, False) for arch in ARCHES if arch != "resnet50"),
        ("resnet50", 3, False, False),  # on all of resnet50, fastai's U-Net has 339 million parameters
        ("resnet18", 3, False, False),
        ("resnet18", 4, True, False),
        ("resnet18", 3, True, False),
        ("resnet18", 3, True, True),
        ("resnet34", 3, False, True),
    ],
)
def test_the_output_is_that_of_fastais_dynamic_unet(
    arch: str, stage: int, attention: bool, bottleneck: bool, images
) -> None:
    torch.manual_seed(1)
    ours = live(build_unet(arch, 3, (stage,), attention, bottleneck))
    if attention:
        nn.init.constant_(ours.head.blocks[-3].attention.gamma, 0.7)
    theirs = fastai_unet(arch, stage, attention, bottleneck)
    copy_into(theirs, ours)
    with torch.no_grad():
        expected, found = theirs(images), ours(images)
    assert found.shape == (3, 3, SIZE, SIZE)
    assert found.std() > 0.01
    torch.testing.assert_close(found, torch.Tensor(expected), rtol=1e-4, atol=1e-4)


def test_attention_changes_the_output_once_it_has_weight(images) -> None:
    model = live(build_unet("resnet18", 2, self_attention=True))
    with torch.no_grad():
        before = model(images)
        model.head.blocks[-3].attention.gamma.fill_(0.7)
        assert not model(images).allclose(before, atol=1e-3)


@pytest.mark.parametrize("size", [40, 72, 96])
def test_any_size_that_eight_divides_comes_back_whole(size: int) -> None:
    model = build_unet("resnet18", 2).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, size, size)).shape == (1, 2, size, size)


def test_a_fresh_upsampling_gives_no_checkerboard() -> None:
    layer = build_unet("resnet18", 2).head.shuffle
    with torch.no_grad():
        blocks = layer(torch.randn(1, layer[0].in_channels, 5, 5)).unfold(2, 2, 2).unfold(3, 2, 2)
    assert blocks.std() > 0
    torch.testing.assert_close(blocks, blocks[..., :1, :1].expand_as(blocks))


def test_threads_that_share_a_model_get_the_serial_answers() -> None:
    model = live(build_unet("resnet18", 2, self_attention=True))
    batches = [torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) for seed in range(5)]

    def answers(_: int) -> list[torch.Tensor]:
        with torch.no_grad():
            return [model(batch) for batch in batches]

    serial = answers(0)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(answers, range(8)):
            for one, expected in zip(found, serial, strict=True):
                torch.testing.assert_close(one, expected, rtol=0, atol=1e-5)


def test_the_model_has_no_hooks() -> None:
    for module in build_unet("resnet18", 2, self_attention=True).modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks


def test_partial_weights_and_classifiers_fill_the_encoder(
    partial_weights: Callable[[str], Path], tmp_path: Path
) -> None:
    model = build_unet("resnet34", 2, (3,))
    report = load_weights(model.body, "resnet34", str(partial_weights("resnet34")))
    assert report.pretrained
    classifier = build_classifier("resnet34", 2)
    torch.save(classifier.state_dict(), tmp_path / "classifier.pth")
    report = load_weights(model.body, "resnet34", str(tmp_path / "classifier.pth"))
    assert report.taken == report.total
    assert model.body.layer2[0].conv1.weight.equal(classifier.body.layer2[0].conv1.weight)
