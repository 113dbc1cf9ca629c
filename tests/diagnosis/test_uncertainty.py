"""Uncertainty of answers: views and dropout leave the model as it is, and the measures follow their definitions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch import nn

from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.uncertainty import (
    PASSES,
    VIEWS,
    Uncertainty,
    dropout_logits,
    measure_uncertainty,
    uncertainty_sentence,
    views_of,
)
from brainseg.models.architectures import Classifier, build_classifier
from tests.models.conftest import make_classifier


def found(views: list[float], passes: list[float] | None = None) -> Uncertainty:
    pairs = [np.array([[1 - value, value] for value in values]) for values in (views, passes or [])]
    return Uncertainty(("no", "yes"), pairs[0], pairs[1] if passes else None)


def test_the_measures_are_those_of_their_definitions() -> None:
    one = found([0.8, 0.7, 0.4], [0.9, 0.5, 0.7])
    assert one.entropy == pytest.approx(entropy([0.2, 0.8]))
    assert one.view_range == (0.4, 0.8)
    assert one.view_deviation == pytest.approx(np.std([0.8, 0.7, 0.4]))
    assert one.changed_views == 1
    assert one.dropout_deviation == pytest.approx(np.std([0.9, 0.5, 0.7]))
    mean = np.mean([entropy([1 - value, value]) for value in (0.9, 0.5, 0.7)])
    assert one.mutual_information == pytest.approx(entropy([0.3, 0.7]) - mean)
    assert found([0.8, 0.7]).mutual_information is None
    assert found([1.0, 1.0]).entropy == 0
    sentence = uncertainty_sentence(one, "{:.2f}".format)
    assert "yes gets 0.40 to 0.80, and 1 of them change" in sentence
    assert "none of them changes" in uncertainty_sentence(found([0.8, 0.7]), str)


def test_the_first_view_is_the_answer_and_the_others_are_what_they_say(predictor: Predictor, scans) -> None:
    answer, one = predictor.diagnose(scans[0]), measure_uncertainty(predictor, scans[0])
    np.testing.assert_allclose(one.views[0], list(answer.probabilities.values()), atol=1e-5)
    np.testing.assert_allclose(one.views.sum(axis=1), 1)
    assert len(one.views) == len(VIEWS)
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    views = views_of(image)
    assert (views[0] == image).all()
    assert (views[1] == image[:, ::-1]).all()
    assert (views[5][:-2] == image[2:]).all()
    assert (views[6][2:] == image[:-2]).all()
    assert not views[6][:2].any()


def test_dropout_keeps_the_mean_of_a_linear_layer() -> None:
    """The mean of a linear layer's output over many draws is its output without dropout."""
    model = make_classifier(stages=(1,)).eval()
    head = nn.Sequential(model.head[0], nn.Dropout(0.5), nn.Linear(model.head[1].num_features, 2)).eval()
    linear = Classifier(model.body, head)
    with torch.no_grad():
        maps = model.body(torch.rand(1, 3, 32, 32))
        plain = head(maps)
        logits = dropout_logits(linear, maps, 20000, 0)
    deviation = logits.std(dim=0) / np.sqrt(20000)
    assert ((logits.mean(dim=0) - plain[0]).abs() < 5 * deviation).all()
    assert (logits.std(dim=0) > 0).all()


def test_the_same_image_always_gives_the_same_numbers_and_the_model_stays_as_it_is(predictor, scans) -> None:
    before = {name: value.clone() for name, value in predictor.model.state_dict().items()}
    first = measure_uncertainty(predictor, scans[0])
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: measure_uncertainty(predictor, scans[0]), range(8)))
    for other in others:
        np.testing.assert_allclose(other.views, first.views, atol=1e-6)
        np.testing.assert_allclose(other.passes, first.passes, atol=1e-6)
    assert first.passes.shape == (PASSES, len(first.classes))
    assert not predictor.model.training
    assert all(torch.equal(value, before[name]) for name, value in predictor.model.state_dict().items())


def test_whole_channels_of_a_map_are_left_out() -> None:
    """The mean over many passes is that of torch's own Dropout2d, which training uses."""
    torch.manual_seed(0)
    model = build_classifier("resnet18", 2, "local", (1,), dropout=0.5).eval()
    with torch.no_grad():
        maps = model.body(torch.rand(1, 3, 32, 32))
        own = dropout_logits(model, maps, 400, 0)
        for layer in model.head:
            layer.train(isinstance(layer, torch.nn.Dropout2d))
        reference = model.head([each.repeat(400, 1, 1, 1) for each in maps])
    assert own.shape == (400, 2)
    assert len(own.unique(dim=0)) == 400
    for value, other in ((own.mean(0), reference.mean(0)), (own.std(0), reference.std(0))):
        torch.testing.assert_close(value, other, rtol=0.2, atol=0.2)


@pytest.mark.parametrize("head", ["logistic", "concat-pool", "local"])
def test_a_model_without_dropout_has_no_passes(head: str) -> None:
    plain = build_classifier("resnet18", 2, head, (1,), dropout=0.0).eval()
    with torch.no_grad():
        assert dropout_logits(plain, plain.body(torch.rand(1, 3, 32, 32)), 3, 0) is None
    assert "parts of the network" not in uncertainty_sentence(found([0.8, 0.7]), str)
