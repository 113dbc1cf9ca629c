from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from torch import nn

from brainseg.config import PreparationConfig
from brainseg.diagnosis.gradcam import centred, enlarge, grad_cam, logits_and_maps
from brainseg.models.architectures import Classifier
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation import prepare

HEADS = (("concat-pool", (4,)), ("local", (2, 3)), ("logistic", (2, 3)), ("svm", (3,)))
THREADS, SCANS = 8, 5


def cams(model: Classifier, image: torch.Tensor) -> list[np.ndarray]:
    """The map of each class."""
    logits, maps = logits_and_maps(model, image)
    return [enlarge(grad_cam(logits, maps, class_number), image.shape[-1]) for class_number in (0, 1)]


def package_cams(model: Classifier, image: torch.Tensor) -> list[np.ndarray]:
    """The map of each class by the grad-cam package, with hooks on a separate copy of the model."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    private = copy.deepcopy(model).requires_grad_(True)
    deepest = getattr(private.body, f"layer{private.body.stages[-1]}")
    with GradCAM(private, [deepest]) as reference:
        return [reference(image, [ClassifierOutputTarget(class_number)])[0] for class_number in (0, 1)]


def batch(scan, size: int, method: str = "imagenet") -> torch.Tensor:
    return normalise(to_batch(prepare(scan.pixels, PreparationConfig(size=size)).pixels[None]), method)


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_untouched(model: nn.Module, before: dict[str, torch.Tensor]) -> None:
    for module in model.modules():
        assert not module.training
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
        assert not module._backward_pre_hooks
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# ----------------------------------------------------------------------------------------------------- the map is right


@pytest.mark.parametrize(
    ("arch", "head", "stages"),
    [*((arch, *head) for arch in ("resnet18", "resnet34", "resnet50") for head in HEADS), ("resnet18", "svm", (2, 4))],
)
def test_map_equals_that_of_the_grad_cam_package(arch, head, stages, classifier, images):
    model, image = classifier(arch, head, stages), images[:1]
    own, expected = cams(model, image), package_cams(model, image)
    np.testing.assert_allclose(own, expected, rtol=0, atol=1e-4)
    assert own[0].shape == (64, 64)
    assert max(values.std() for values in own) > 0.1, "at least one class has a map to speak of"


def test_map_on_a_slice_of_the_phantom_equals_that_of_the_package(classifier, phantom_slices):
    from brainseg.scans import read_scan

    model = classifier("resnet18", "logistic", (2, 3))
    image = batch(read_scan(phantom_slices[0]), 224)
    np.testing.assert_allclose(cams(model, image), package_cams(model, image), rtol=0, atol=1e-4)


def test_map_on_a_real_scan_equals_that_of_the_package(classifier, shared):
    from brainseg.scans import read_scan

    model = classifier("resnet18", "logistic", (2, 3))
    image = batch(read_scan(sorted((shared / "data" / "kaggle253" / "yes").iterdir())[0]), 224)
    np.testing.assert_allclose(cams(model, image), package_cams(model, image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_hot_place_lies_where_the_network_looked(stage, classifier):
    """The position of a map must match the pixels that change it."""
    body, size, place = classifier("resnet18", "logistic", (3,)).body, 256, 128 // 2 ** (stage + 1)
    image = torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(0)).requires_grad_()
    level = body.levels(image)[stage]
    (gradient,) = torch.autograd.grad(level[0, :, place, place].square().sum(), image)
    weights = gradient[0].square().sum(0).double()
    along = torch.arange(size)
    looked = np.array([float((weights.sum(1 - axis) * along).sum() / weights.sum()) for axis in (0, 1)])
    hot = np.zeros(tuple(level.shape[2:]), np.float32)
    hot[place, place] = 1
    plain = enlarge(hot, size)
    off = [
        np.abs(np.array(np.unravel_index(values.argmax(), values.shape)) - looked).max()
        for values in (centred(plain, stage), plain)
    ]
    assert off[0] < off[1]
    assert off[0] < 2 ** (stage - 1) + 1


def test_logits_are_those_of_the_model(classifier, images):
    model = classifier("resnet34")
    logits, _ = logits_and_maps(model, images)
    with torch.no_grad():
        assert torch.equal(logits.detach(), model(images))


def test_one_pass_explains_every_class_and_any_number_of_times(classifier, images):
    model = classifier("resnet18", "logistic", (2, 3))
    logits, maps = logits_and_maps(model, images[:1])
    together = [grad_cam(logits, maps, class_number) for class_number in (0, 1, 0)]
    assert np.array_equal(together[0], together[2])
    assert not np.allclose(together[0], together[1])
    for class_number in (0, 1):
        apart = grad_cam(*logits_and_maps(model, images[:1]), class_number)
        np.testing.assert_allclose(apart, together[class_number], rtol=0, atol=1e-6)


def test_a_caller_without_gradients_gets_the_same_map(classifier, images):
    model = classifier()
    with torch.no_grad():
        inside = cams(model, images[:1])
    np.testing.assert_allclose(inside, cams(model, images[:1]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("stages", [(4,), (2, 3)])
def test_another_head_gives_another_map(stages, classifier, scans):
    """A map that does not change with a random head would not show what the model learnt (Adebayo et al. 2018)."""
    model, correlations = classifier(stages=stages), []
    inputs = [batch(scan, 128) for scan in scans[:3]]
    originals = [cams(model, image) for image in inputs]
    for seed in range(3):
        torch.manual_seed(seed)
        other = copy.deepcopy(model)
        for layer in other.head:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        for image, maps in zip(inputs, originals, strict=True):
            for pair in zip(maps, cams(other, image), strict=True):
                if all(values.any() for values in pair):
                    correlations.append(np.corrcoef([values.ravel() for values in pair])[0, 1])
    assert len(correlations) > 12
    assert np.mean(correlations) < 0.3
    assert np.mean(np.array(correlations) > 0.5) < 0.25


# -------------------------------------------------------------------------------------------------- the map is harmless


@pytest.mark.parametrize("method", ["imagenet", "per-image"])
@pytest.mark.parametrize("value", [0, 77, 255])
@pytest.mark.parametrize(("head", "stages"), HEADS)
def test_map_of_a_constant_image_is_finite_and_in_range(head, stages, value, method, classifier):
    image = normalise(torch.full((1, 3, 64, 64), value, dtype=torch.uint8), method)
    for values in cams(classifier("resnet18", head, stages), image):
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1


def test_map_of_a_class_that_nothing_speaks_for_is_zero(classifier, images):
    model = copy.deepcopy(classifier("resnet18", "svm"))
    with torch.no_grad():
        model.head[-1].weight[1].fill_(-1)
    assert not cams(model, images[:1])[1].any()


def test_a_map_of_one_point_becomes_zero_rather_than_noise(classifier, images):
    assert not np.any(cams(classifier(), images[:1, :, :32, :32].contiguous()))


@pytest.mark.parametrize("frozen", [True, False])
def test_nothing_is_left_on_the_model(frozen, classifier, images):
    model = copy.deepcopy(classifier()).requires_grad_(not frozen)
    before = state(model)
    cams(model, images[:1])
    assert_untouched(model, before)


# -------------------------------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize(("head", "stages"), [("concat-pool", (3, 4)), ("logistic", (2, 3))])
def test_threads_that_share_a_predictor_get_the_serial_answers(head, stages, classifier, make_predictor, scans):
    predictor = make_predictor(classifier("resnet18", head, stages), head=head)
    before = state(predictor.model)
    serial = {
        (number, label): predictor.diagnose(scans[number], label) for number in range(SCANS) for label in ("no", "yes")
    }
    start = Barrier(THREADS)

    def work(thread: int) -> list[tuple]:
        start.wait()
        answers = []
        for step in range(SCANS):
            number, label = (thread + step) % SCANS, ("no", "yes")[(thread + step) % 2]
            answers.append((number, label, predictor.diagnose(scans[number], label)))
        return answers

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for part in pool.map(work, range(THREADS)) for answer in part]
    assert len(answers) == THREADS * SCANS
    for number, label, diagnosis in answers:
        expected = serial[number, label]
        assert diagnosis.label == expected.label
        assert diagnosis.explained == label
        assert diagnosis.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
        np.testing.assert_allclose(diagnosis.cam, expected.cam, rtol=0, atol=1e-5)
        np.testing.assert_allclose(diagnosis.heatmap, expected.heatmap, rtol=0, atol=1e-5)
    assert len({diagnosis.cam.tobytes() for *_, diagnosis in answers}) > SCANS, "the scans have maps of their own"
    assert_untouched(predictor.model, before)


def test_channels_that_cancel_each_other_out_leave_an_empty_map() -> None:
    values = 1000 * torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    noise = 1e-4 * torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    maps = [torch.cat([values + noise, values], dim=1).requires_grad_()]
    logits = (maps[0][:, 0] - maps[0][:, 1]).sum().reshape(1, 1)
    assert not grad_cam(logits, maps, 0).any()
    maps = [torch.cat([2 * values, values], dim=1).detach().requires_grad_()]
    logits = (maps[0][:, 0] - maps[0][:, 1]).sum().reshape(1, 1)
    assert grad_cam(logits, maps, 0).max() == 1
