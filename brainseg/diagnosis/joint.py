"""The joint answer of several models: of a stored ensemble, or of models that a user chose together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from brainseg.diagnosis.ensemble import Consensus, mean_point
from brainseg.errors import BundleError, RunError
from brainseg.models.calibration import temperature_of
from brainseg.models.ensemble import Ensemble, mean_probabilities
from brainseg.models.operating_point import decide
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.predictor import Predictor


def diagnose_with(
    predictors: Sequence[Predictor],
    scan: Scan,
    ensemble: Ensemble | None = None,
    **options: Any,  # noqa: ANN401 - those of `diagnose_all_with`
) -> Diagnosis | Consensus:
    """Return the answer of one model, or the joint answer of several; see `diagnose_all_with` for the options."""
    return diagnose_all_with(predictors, [scan], ensemble, **options)[0]


def diagnose_all_with(
    predictors: Sequence[Predictor],
    scans: Sequence[Scan],
    ensemble: Ensemble | None = None,
    heatmaps: bool = True,
    **options: Any,  # noqa: ANN401 - those of `diagnose_jointly`
) -> Sequence[Diagnosis | Consensus]:
    """Return the answers of one model, or the joint answers of several, for each of several scans.

    Args:
        predictors: As for `diagnose_jointly`.
        scans: From `scans.read_scan`.
        ensemble: As for `diagnose_jointly`.
        heatmaps: Whether to draw them; see `Predictor.diagnose_all`.
        options: Those of `diagnose_jointly`.
    """
    if len(predictors) == 1:
        return predictors[0].diagnose_all(scans, **options, heatmaps=heatmaps)
    return _diagnose_jointly(predictors, scans, ensemble=ensemble, heatmaps=heatmaps, **options)


def diagnose_jointly(
    predictors: Sequence[Predictor],
    scan: Scan,
    explain: str | None = None,
    method: str | None = None,
    stage: int | None = None,
    ensemble: Ensemble | None = None,
) -> Consensus:
    """Diagnose one scan with several models.

    Args:
        predictors: At least one, all with the same classes in any order.
        scan: From `scans.read_scan`.
        explain: The class to explain; by default the one with the highest mean probability.
        method: How to draw the heatmaps, a key of `methods.METHODS`; by default each model's own method.
        stage: The residual stage to take them from, or a model's last stage if it has fewer; by default each model's
            own stage.
        ensemble: The stored ensemble whose members they are: it calibrates the mean of what the networks give, and
            decides by its own point. None for models that were only chosen together: these answer with the mean of
            their calibrated probabilities, and decide by the mean of their thresholds.

    Raises:
        RunError: The models have different classes.
        BundleError: The models are not the members with which the ensemble was evaluated.
        ValueError: `explain` is not a class of the models, or the method or stage does not exist.
    """
    return _diagnose_jointly(predictors, [scan], explain, method, stage, ensemble)[0]


def _diagnose_jointly(
    predictors: Sequence[Predictor],
    scans: Sequence[Scan],
    explain: str | None = None,
    method: str | None = None,
    stage: int | None = None,
    ensemble: Ensemble | None = None,
    heatmaps: bool = True,
) -> list[Consensus]:
    check_same_classes([(each.name, each.description.classes) for each in predictors])
    if ensemble:
        _check_members(predictors, ensemble)
    asked = [(each, min(stage, each.stages[-1]) if stage else None) for each in predictors]
    of_models = [each.diagnose_all(scans, explain, method, depth, heatmaps) for each, depth in asked]
    joined = []
    for scan, *found in zip(scans, *of_models, strict=True):
        means = _joint_probabilities(found, ensemble)
        positive, point = found[0].positive, mean_point(found)
        if ensemble:
            positive, point = ensemble.description.positive, ensemble.description.decides
        label = decide(means, positive, point).label
        explained = explain or label
        seconds = sum(answer.seconds for answer in found)
        answers = []
        for answer, (each, depth) in zip(found, asked, strict=True):
            if answer.explained == explained:
                answers.append(answer)
            elif heatmaps:  # a dissenter, which explained its own decision
                answers.append(each.diagnose(scan, explained, method, depth))
                seconds += answers[-1].seconds
            else:
                answers.append(replace(answer, explained=explained))
        heatmap: np.ndarray = np.stack([answer.heatmap for answer in answers]).mean(axis=0, dtype=np.float32)
        joined.append(Consensus(label, means, explained, heatmap, seconds, tuple(answers), ensemble))
    return joined


def _check_members(predictors: Sequence[Predictor], ensemble: Ensemble) -> None:
    for predictor, member in zip(predictors, ensemble.description.members, strict=True):
        if predictor.bundle.digest != member.digest:
            raise BundleError(
                f"{predictor.name} is not the model of member {member.name!r} that {ensemble.name} was evaluated with: "
                "make the ensemble again with `brainseg ensemble`."
            )


def _joint_probabilities(answers: Sequence[Diagnosis], ensemble: Ensemble | None) -> dict[str, float]:
    """Return the probability of each class, in the order of the first answer or of the stored ensemble."""
    from brainseg.evaluation.calibration.temperature import scaled  # imports SciPy, which most commands can spare

    classes = ensemble.description.classes if ensemble else tuple(answers[0].probabilities)
    parts = [answer.uncalibrated if ensemble else answer.probabilities for answer in answers]
    means = mean_probabilities(np.array([[part[name] for name in classes] for part in parts]))
    if ensemble:
        means = scaled(means[None], temperature_of(ensemble.description.calibration))[0]
    return dict(zip(classes, means.tolist(), strict=True))


def check_same_classes(members: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Refuse models that cannot form an ensemble.

    Args:
        members: The name and the classes of each model.

    Raises:
        RunError: They have different classes.
    """
    (first, classes), *others = members
    for name, other in others:
        if set(other) != set(classes):
            raise RunError(
                f"{name} has the classes {', '.join(other)}, but {first} has {', '.join(classes)}: choose models with "
                "the same classes."
            )
