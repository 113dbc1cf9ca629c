"""The model card: purpose, training data, metrics, limits and making of a model.

Its parts are those of a model-facts label (Sendak et al. 2020, npj Digital Medicine 3, 41) and of model cards (Mitchell
et al. 2019, FAT*): purpose, users, data, metrics with intervals, limits, uncertainty. Every statement
comes from a file of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import brainseg
from brainseg.config import RunConfig
from brainseg.datasets.copy_messages import near_sentence
from brainseg.datasets.patient_messages import PatientsKnown, as_sentence, patients_sentence
from brainseg.datasets.report_fields import StoredReport
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.stored import Evaluation, as_validation
from brainseg.models.description import BundleDescription
from brainseg.models.sources import StoredWeights
from brainseg.models.validation import Validation
from brainseg.results.by_task import results_of
from brainseg.results.markdown import literal
from brainseg.results.reporting_checklist import checklist_section
from brainseg.results.robustness import CAVEAT, sentences
from brainseg.robustness.result import RobustnessReport
from brainseg.tasks import facts_of

SPLITS = {
    "grouped": "grouped: copies, exact and near, and images of one patient where patients are named, stay in one set",
    "random": "random, as in the paper: copies and slices of one patient may be on both sides, so metrics are too good",
    "k-fold": "one fold of a grouped k-fold: copies, exact and near, and images of one named patient, stay in one set",
    "given": "given with the dataset",
}
USERS = "Researchers, teachers and students of medical image analysis who can weigh the metrics below."


class CardDataset(StoredReport):
    """A run's `dataset.json`, with what a card adds from other places.

    Attributes:
        synthetic: Whether the images are synthetic.
        sides: Set of the split -> number of images; None where the split is lost.
    """

    synthetic: bool
    sides: dict[str, int] | None


def model_card(
    description: BundleDescription,
    report: Evaluation | None,
    config: RunConfig,
    dataset: CardDataset | None = None,
    version: str = "",
    robustness: RobustnessReport | None = None,
) -> str:
    """Write a model's card as Markdown.

    Args:
        description: The description in its bundle.
        report: The run's evaluation; None where it is lost.
        config: The run's configuration.
        dataset: The run's `dataset.json`; None where it is lost.
        version: The first digits of the bundle's digest.
        robustness: How its answers change when its images get worse; None where that was not measured.
    """
    card = results_of(description.task).card
    sections = {
        "Purpose": card.purpose(description),
        "Intended users": USERS,
        "What it is not for": card.not_for,
        "Data": _data(description, config, dataset),
        card.metrics_heading: _metrics(description, report),
        "Split and leakage": _split(description, config, report, dataset),
        **({"When images get worse": _robustness(robustness)} if robustness else {}),
        "Limits and uncertainty": _limits(description, report, dataset),
        "Preparation of an image": _settings(config.preparation.model_dump()),
        "Weights that it started from": _weights(description.pretraining),
        "How it was made": _making(description, config, version),
        "Reporting checklist": checklist_section(description, report, config, dataset, robust=robustness is not None),
    }
    title = f"# Model card: {literal(description.name)}\n\n**{brainseg.DISCLAIMER}**"
    return "\n\n".join([title, *(f"## {name}\n\n{text}" for name, text in sections.items())]) + "\n"


def _data(description: BundleDescription, config: RunConfig, dataset: CardDataset | None) -> str:
    folder, images = _code(PurePath(config.data.path).name), description.data.get("images")
    lines = [f"* Folder `{folder}`, {'an unknown number of' if images is None else images} readable images"]
    if dataset and dataset["classes"]:
        classes = ", ".join(f"{literal(name)} {count}" for name, count in dataset["classes"].items())
        lines.append(f"* Classes: {classes}")
    lines.append(f"* Fingerprint (SHA-256 over paths, labels, bytes): `{_code(description.data.get('fingerprint'))}`")
    if dataset:
        copies = dataset["duplicates"]
        patients: PatientsKnown = dataset.get("patients") or {"source": "", "count": dataset["groups"]}
        lines += [
            f"* {as_sentence(patients_sentence(patients)).removesuffix('.')}",
            f"* {copies['groups']} groups of byte-identical files, {copies['surplus']} duplicates, "
            f"{copies['across_labels']} groups with different labels",
            f"* Near copies: {near_sentence(dataset['near_copies']) or 'none found'}"
            if "near_copies" in dataset
            else "* Near copies: not searched for when this model was trained",
            f"* {len(dataset['unreadable'])} unreadable files left out",
        ]
    else:
        lines.append("* The rest of what was in the folder is unknown: the run's `dataset.json` is missing")
    if dataset and dataset["synthetic"]:
        lines.append("* **The images are synthetic**: metrics on them say nothing about patients")
    lines.append(
        "* Not recorded: hospitals, scanners, sequences, ages and sexes, and who set the labels and how. Ask the "
        "people who made the dataset."
    )
    return "\n".join(lines)


def _metrics(description: BundleDescription, report: Evaluation | None) -> str:
    if not report:
        measured = evaluation_sentence(description.validation)
        return f"{measured} The rest of the evaluation is lost: `evaluation.json` is missing."
    return results_of(description.task).card.metrics(report)


def _split(
    description: BundleDescription, config: RunConfig, report: Evaluation | None, dataset: CardDataset | None
) -> str:
    facts = as_validation(report) if report else description.validation
    what = facts_of(description.task).units
    side = f"{'test' if facts.get('evaluated_on') == 'test' else 'validation'} {what}"
    sides = dataset["sides"] if dataset else None
    lines = [
        f"* Split {SPLITS[config.data.split]}; seed {config.data.seed}",
        "" if sides is None else f"* Learnt from {sides.get('train', 0)} images",
        f"* Evaluated on {facts.get('count') or 'an unknown number of'} {side}",
        _copied(facts),
        "* The kept epoch was chosen by the loss on these same images: expect lower metrics on new ones"
        if facts.get("selected_on_these_images")
        else "* No epoch was chosen on these images; settings that a person chose by looking at them are not recorded",
    ]
    return "\n".join(filter(None, lines))


def _copied(facts: Validation) -> str:
    copies, near = facts.get("copies_in_training"), facts.get("near_copies_in_training")
    if copies is None:
        return ""
    if near is None:  # trained before near copies were counted
        return f"* {copies} of these are byte-identical to a training image; near copies were not searched for"
    return f"* {copies} of these are copies of a training image: {copies - near} byte-identical, {near} near copies"


def _robustness(report: RobustnessReport) -> str:
    measured = f"Measured on {report['images']:,} of the {report['held_out']:,} evaluated images."
    return "\n".join(f"* {line}" for line in (*sentences(report), measured, CAVEAT))


def _limits(description: BundleDescription, report: Evaluation | None, dataset: CardDataset | None) -> str:
    elsewhere = (
        "* Evaluated only on validation or test images of the same dataset. Its performance on other images is "
        "unknown, and usually worse."
    )
    return "\n".join([elsewhere, *results_of(description.task).card.limits(description, report, dataset)])


def _weights(pretraining: StoredWeights) -> str:
    if not pretraining.get("taken"):
        return "Random weights: it learnt from the dataset above only."
    lines = [
        f"* Source: `{_code(pretraining.get('source'))}`",
        f"* SHA-256: `{_code(pretraining.get('sha256'))}`",
        f"* {pretraining['taken']} of {pretraining.get('total')} tensors of the body were taken from it",
    ]
    if random := pretraining.get("random_stages"):
        lines.append(f"* **Started at random: {', '.join(map(literal, random))}**")
    return "\n".join(lines)


def _making(description: BundleDescription, config: RunConfig, version: str) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in description.libraries.items())
    # Folders name machines and people; a card that is shared must not.
    data = config.data.model_copy(update={"path": PurePath(config.data.path).name})
    model = config.model.model_copy(update={"weights": PurePath(config.model.weights).name})
    shown = config.model_copy(update={"data": data, "model": model}).to_yaml().strip()
    lines = [
        f"* Network: {description.arch}, {_stages(description)}; {description.head}",
        f"* Version of the model: `{version}`" if version else "",
        f"* SHA-256 of the weights: `{_code(description.weights_sha256)}`",
        f"* Made {description.created} by brainseg {description.brainseg}",
        f"* Libraries: {libraries}",
        "* All settings:",
    ]
    return "\n".join(filter(None, lines)) + f"\n\n```yaml\n{shown}\n```"


def _stages(description: BundleDescription) -> str:
    numbers = ", ".join(map(str, description.stages))
    return facts_of(description.task).stages.format(numbers)


def _settings(values: Mapping[str, Any]) -> str:
    return "\n".join(f"* {name}: {value}" for name, value in values.items())


def _code(text: object) -> str:
    """Return a text that can stand inside a code span: it has no backticks and no line breaks."""
    return " ".join(str(text).replace("`", "'").split())
