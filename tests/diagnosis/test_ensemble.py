from __future__ import annotations

import numpy as np
import pytest

from brainseg.diagnosis.joint import check_same_classes, diagnose_jointly
from brainseg.diagnosis.table import headline
from brainseg.errors import RunError
from tests.models.conftest import make_classifier, one_sentence


@pytest.fixture(scope="module")
def members(make_predictor):
    """Three models that differ in weights, stages, input size and order of classes."""
    from brainseg.config import PreparationConfig

    return [
        make_predictor(make_classifier(seed=1), name="one"),
        make_predictor(make_classifier(stages=(2, 3), seed=2), ("yes", "no"), name="two"),
        make_predictor(make_classifier(stages=(3,), seed=3), name="three", preparation=PreparationConfig(size=72)),
    ]


def test_probabilities_and_maps_are_means_whatever_the_order_of_the_classes(members, scans):
    for scan in scans:
        together = diagnose_jointly(members, scan)
        alone = [each.diagnose(scan, together.label) for each in members]
        for name in ("no", "yes"):
            probabilities = [answer.probabilities[name] for answer in alone]
            assert together.probabilities[name] == pytest.approx(np.mean(probabilities))
            assert together.probability_range[name] == pytest.approx(max(probabilities) - min(probabilities))
            assert together.deviation[name] == pytest.approx(np.std(probabilities))
        assert sum(together.probabilities.values()) == pytest.approx(1)
        assert together.label == max(together.probabilities, key=together.probabilities.get)
        mean = np.mean([answer.heatmap for answer in alone], axis=0)
        np.testing.assert_allclose(together.heatmap, mean, rtol=0, atol=1e-5)
        assert together.heatmap.dtype == np.float32


def test_members_that_say_otherwise_are_named_and_explain_the_common_decision(members, scans):
    found = [diagnose_jointly(members, scan) for scan in scans]
    split = [together for together in found if together.dissenters]
    assert split, "these models do disagree somewhere"
    for together in split:
        agreeing = len(together.members) - len(together.dissenters)
        assert f"The models disagree: {agreeing} of 3 predict" in headline(together)
    for together in found:
        assert {member.explained for member in together.members} == {together.label}
        assert [member.label != together.label for member in together.members].count(True) == len(together.dissenters)
        agreeing = 3 - len(together.dissenters)
        assert ("all 3 agree" if agreeing == 3 else f"{agreeing} of 3 agree") in together.sentence


def test_one_class_can_be_explained_by_all(members, scans):
    for name in ("no", "yes"):
        together = diagnose_jointly(members, scans[0], name)
        assert together.explained == name
        assert {member.explained for member in together.members} == {name}


def test_an_ensemble_of_one_says_what_the_one_says(members, scans):
    together, alone = diagnose_jointly(members[:1], scans[0]), members[0].diagnose(scans[0])
    assert together.probabilities == pytest.approx(alone.probabilities)
    np.testing.assert_allclose(together.heatmap, alone.heatmap, rtol=0, atol=1e-6)
    assert not any(together.probability_range.values())


def test_method_and_stage_go_to_all_members_as_far_as_they_have_it(members, scans):
    together = diagnose_jointly(members, scans[0], method="grad-cam++", stage=4)
    assert [(member.method, member.stage) for member in together.members] == [
        ("grad-cam++", 4), ("grad-cam++", 3), ("grad-cam++", 3)
    ]  # fmt: skip
    assert together.heatmap_title.startswith("Mean of 3 maps: Heatmap for class")


def test_names_and_versions_of_all_are_said(members, scans):
    together = diagnose_jointly(members, scans[0])
    assert together.model.startswith("ensemble of 3: one (")
    for each in members:
        assert each.name in together.model


def test_models_of_other_classes_are_refused(members, make_predictor, scans):
    other = make_predictor(make_classifier(classes=3), ("no", "yes", "maybe"), name="odd")
    with pytest.raises(RunError, match="the same classes") as caught:
        diagnose_jointly([*members, other], scans[0])
    assert "odd" in one_sentence(caught.value)
    check_same_classes([("a", ("no", "yes")), ("b", ("yes", "no"))])
