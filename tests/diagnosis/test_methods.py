from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import get_args

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.ndimage import gaussian_filter, shift

from brainseg.config import HeatmapMethod
from brainseg.diagnosis.drawing import draw_heatmap
from brainseg.diagnosis.gradcam import MAPS, enlarge, logits_and_maps
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.methods import METHODS, drawn_by, heatmap_title
from brainseg.diagnosis.package_cams import package_cam
from brainseg.diagnosis.split_classifier import SplitClassifier
from brainseg.models.architectures import Classifier
from tests.diagnosis.test_gradcam import assert_untouched, state

PLAIN = {
    "grad-cam": GradCAM,
    "layer-cam": LayerCAM,
    "hires-cam": HiResCAM,
    "grad-cam++": GradCAMPlusPlus,
    "eigen-cam": EigenCAM,
    "score-cam": ScoreCAM,
}
THREADS = 8


def own(model: Classifier, image: torch.Tensor, class_number: int, method: str, stage: int) -> np.ndarray:
    """The map as drawn by a diagnosis."""
    if METHODS[method].base:
        return draw_heatmap(model, image, class_number, method, stage)
    if method in MAPS:
        cam = MAPS[method](*logits_and_maps(model, image, stage), class_number)
    else:
        cam = package_cam(model, image, class_number, method, stage)
    return enlarge(cam, image.shape[-1])


def plain(model: Classifier, image: torch.Tensor, class_number: int, method: str, stage: int) -> np.ndarray:
    """The map from the grad-cam package itself, on a full copy of the model with hooks on its layers."""
    private = copy.deepcopy(model).requires_grad_(True)
    cam = PLAIN[method](private, [getattr(private.body, f"layer{stage}")])
    return cam(image, [ClassifierOutputTarget(class_number)])[0]


@pytest.fixture(scope="module")
def frozen(classifier):
    """Classifiers in the state in which a predictor uses them."""
    return lambda *kind: copy.deepcopy(classifier(*kind)).requires_grad_(False)


def test_every_method_is_known_here():
    averaged = {method for method, known in METHODS.items() if known.base}
    assert averaged == {"grad-cam-flips", "layer-cam-stages", "layer-cam-stages-flips"}
    assert {*PLAIN, *averaged, "smooth-layer-cam"} == set(METHODS)


def moved(values: np.ndarray, stage: int) -> np.ndarray:
    """A map of the package where it belongs: half a stride up and to the left, in 0..1."""
    values = shift(values.astype(np.float64), -(2 ** (stage + 1) - 1) / 2, order=1, mode="nearest")
    return (values - values.min()) / np.ptp(values)


def test_an_average_over_stages_is_that_of_the_packages_maps(frozen, images):
    model = frozen("resnet18", "concat-pool", (4,))
    for stage in (1, 2, 4):
        mean = np.mean(
            [moved(plain(model, images[:1], 1, "layer-cam", each), each) for each in range(stage, 5)], axis=0
        )
        expected = (mean - mean.min()) / np.ptp(mean)
        found = draw_heatmap(model, images[:1], 1, "layer-cam-stages", stage)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-2)
        assert found.std() > 0.05
    single = draw_heatmap(model, images[:1], 1, "layer-cam", 4)
    assert np.array_equal(draw_heatmap(model, images[:1], 1, "layer-cam-stages", 4), single)


@pytest.mark.parametrize(
    ("method", "base", "stages"), [("grad-cam-flips", "grad-cam", [3]), ("layer-cam-stages-flips", "layer-cam", [3, 4])]
)
def test_an_average_over_flips_is_that_of_the_packages_maps(method, base, stages, frozen, images):
    model, image = frozen("resnet18", "concat-pool", (4,)), images[:1]
    mirrored = torch.from_numpy(image.numpy()[..., ::-1].copy())
    maps = []
    for stage in stages:
        maps.append(moved(plain(model, image, 1, base, stage), stage))
        maps.append(moved(plain(model, mirrored, 1, base, stage), stage)[:, ::-1])
    mean = np.mean(maps, axis=0)
    found = draw_heatmap(model, image, 1, method, stages[0])
    np.testing.assert_allclose(found, (mean - mean.min()) / np.ptp(mean), rtol=0, atol=1e-2)
    # The map of the mirror image is the mirror image of the map.
    np.testing.assert_allclose(draw_heatmap(model, mirrored, 1, method, stages[0])[:, ::-1], found, rtol=0, atol=1e-4)


def test_a_known_forward_pass_is_not_needed_again(frozen, images):
    model = frozen("resnet18", "concat-pool", (4,))
    for method, stage in (("grad-cam", 3), ("layer-cam-stages-flips", 2)):
        passed = logits_and_maps(model, images[:1], stage)
        found = draw_heatmap(model, images[:1], 1, method, stage, passed)
        np.testing.assert_allclose(found, draw_heatmap(model, images[:1], 1, method, stage), rtol=0, atol=1e-5)


def test_stages_are_chosen_and_named_for_each_method(make_predictor, frozen):
    model = frozen("resnet18", "concat-pool", (4,))
    assert make_predictor(model).heatmap_choice("layer-cam-stages") == ("layer-cam-stages", 2)
    assert make_predictor(model).heatmap_choice("hires-cam") == ("hires-cam", 4)
    assert make_predictor(model, heatmap_method="layer-cam-stages").heatmap_choice() == ("layer-cam-stages", 2)
    assert drawn_by("layer-cam-stages-flips", 2) == "flip-averaged LayerCAM of several stages from layer2 on"


def test_a_smoothed_map_is_the_packages_map_blurred_at_its_own_resolution(frozen, images):
    model = frozen("resnet18", "concat-pool", (2,))
    smooth, sharp = (own(model, images[:1], 1, method, 1) for method in ("smooth-layer-cam", "layer-cam"))
    logits, maps = logits_and_maps(model, images[:1], 1)
    blurred = gaussian_filter(MAPS["layer-cam"](logits, maps, 1), 1.0, mode="mirror")  # 1 of 16 positions per side
    blurred = enlarge((blurred - blurred.min()) / np.ptp(blurred), 64)
    np.testing.assert_allclose(smooth, blurred, rtol=0, atol=0.02)
    assert np.abs(smooth - sharp).max() > 0.05


@pytest.mark.parametrize(("head", "stages"), [("concat-pool", (4,)), ("logistic", (2, 3))])
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
@pytest.mark.parametrize("method", PLAIN)
def test_maps_equal_those_of_the_package_on_a_whole_model(method, stage, head, stages, frozen, images):
    model = frozen("resnet18", head, stages)
    if stage > stages[-1]:
        pytest.skip("the network ends before")
    for class_number in (0, 1):
        maps = [draw(model, images[:1], class_number, method, stage) for draw in (own, plain)]
        np.testing.assert_allclose(*maps, rtol=0, atol=1e-4)
        assert maps[0].shape == (64, 64)


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_a_cut_model_answers_as_the_whole_one(stage, frozen, images):
    model = frozen("resnet18", "concat-pool", (2, 4))
    with torch.no_grad():
        assert torch.equal(SplitClassifier(model, stage)(images), model(images))


def test_methods_and_stages_give_different_maps(frozen, images):
    model = frozen("resnet18", "concat-pool", (4,))
    ways = [(method, 2 if method == "hires-cam" else 4) for method in PLAIN] + [("grad-cam", 2)]
    maps = [own(model, images[:1], 1, *way) for way in ways]
    for number, one in enumerate(maps):
        assert one.std() > 0.05
        for other in maps[number + 1 :]:
            assert np.abs(one - other).max() > 0.05


def test_a_map_of_no_class_is_the_same_for_all(frozen, images):
    model = frozen("resnet18", "concat-pool", (4,))
    for method, known in METHODS.items():
        same = np.allclose(*(own(model, images[:1], number, method, 4) for number in (0, 1)))
        assert same != known.of_a_class


@pytest.mark.parametrize("method", METHODS)
def test_threads_share_a_model_and_leave_nothing_on_it(method, frozen, images):
    model = frozen("resnet18", "concat-pool", (3,))
    stage = 1 if method == "score-cam" else 3  # which takes a forward pass per channel
    before = state(model)
    serial = {
        (image, number): own(model, images[image, None], number, method, stage)
        for image in range(3)
        for number in (0, 1)
    }
    start = Barrier(THREADS)

    def work(thread: int) -> list[tuple]:
        start.wait()
        keys = [((thread + step) % 3, (thread + step) % 2) for step in range(2)]
        return [(key, own(model, images[key[0], None], key[1], method, stage)) for key in keys]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for part in pool.map(work, range(THREADS)) for answer in part]
    assert len(answers) == 2 * THREADS
    for key, cam in answers:
        np.testing.assert_allclose(cam, serial[key], rtol=0, atol=1e-5)
    assert_untouched(model, before)


def test_a_predictor_draws_what_it_is_asked_for(predictor, scans):
    default = predictor.diagnose(scans[0])
    assert (default.method, default.stage, predictor.stages) == ("grad-cam", 4, (1, 2, 3, 4))
    for method in ("grad-cam++", "eigen-cam"):
        answer = predictor.diagnose(scans[0], method=method, stage=2)
        assert (answer.method, answer.stage) == (method, 2)
        assert answer.probabilities == pytest.approx(default.probabilities, abs=1e-6)
        assert answer.heatmap.shape == scans[0].pixels.shape[:2]
        assert not np.allclose(answer.cam, default.cam)


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        ({}, ("layer-cam", 1)),
        ({"stage": 2}, ("layer-cam", 2)),
        ({"method": "layer-cam"}, ("layer-cam", 1)),
        ({"method": "grad-cam"}, ("grad-cam", 3)),  # a stage chosen for another method does not apply to this one
        ({"method": "grad-cam", "stage": 2}, ("grad-cam", 2)),
    ],
)
def test_a_model_draws_its_own_heatmap_unless_asked_for_another(asked, drawn, make_predictor, frozen, scans):
    own = make_predictor(frozen("resnet18", "concat-pool", (3,)), heatmap_method="layer-cam", heatmap_stage=1)
    answer = own.diagnose(scans[0], **asked)
    assert (answer.method, answer.stage) == drawn
    assert answer.heatmap_title.endswith(f"by {METHODS[drawn[0]].title} on layer{drawn[1]}")


def test_an_ensemble_draws_each_member_in_its_own_way_and_says_so(make_predictor, frozen, scans):
    model = frozen("resnet18", "concat-pool", (3,))
    pair = make_predictor(model, heatmap_method="layer-cam", heatmap_stage=1), make_predictor(model)
    together = diagnose_jointly(pair, scans[0])
    assert [(member.method, member.stage) for member in together.members] == [("layer-cam", 1), ("grad-cam", 3)]
    assert together.heatmap_title.endswith("by LayerCAM on layer1 and Grad-CAM on layer3")


def test_settings_and_bundles_know_the_same_methods():
    assert set(get_args(HeatmapMethod)) == set(METHODS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"method": "magic"}, r"method must be one of \['grad-cam', .*got 'magic'"),
        ({"stage": 5}, r"stage must be one of \[1, 2, 3, 4\], got 5"),
        ({"stage": 0}, r"stage must be one of \[1, 2, 3, 4\], got 0"),
    ],
)
def test_what_a_model_cannot_draw_is_refused(asked, message, predictor, scans):
    with pytest.raises(ValueError, match=message):
        predictor.diagnose(scans[0], **asked)


def test_a_title_claims_a_class_only_where_the_map_is_of_one():
    assert heatmap_title("yes", ("grad-cam", 4)) == "Heatmap for class yes by Grad-CAM on layer4"
    assert "yes" not in heatmap_title("yes", ("eigen-cam", 1))
