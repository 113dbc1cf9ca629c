"""The reporting checklist of a model card: what a run can answer, and what its authors must still state.

The items are those of CLAIM 2024 (Tejani et al. 2024, Radiology: Artificial Intelligence 6(4), e240300), named in our
words, and the topics that STARD-AI (Sounderajah et al. 2025, Nature Medicine) adds to studies of diagnostic accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import brainseg
from brainseg.evaluation.stored import Evaluation, as_validation
from brainseg.models.calibration import Calibration
from brainseg.models.description import BundleDescription
from brainseg.results.markdown import literal
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.config import RunConfig
    from brainseg.results.model_card import CardDataset

OPEN = "**open**"
SOURCES = (
    "Items of CLAIM 2024 by their numbers, then what STARD-AI adds. What the run recorded is filled in; **open** marks "
    "what only the people who made the dataset and the study can state. A filled item is not yet a good one."
)


@dataclass(frozen=True)
class Item:
    """One item.

    Attributes:
        number: Its number in CLAIM 2024; "AI" for what STARD-AI adds.
        topic: What it asks for.
        answer: What the run recorded, as Markdown; "" if the item is open.
    """

    number: str
    topic: str
    answer: str = ""


def checklist_section(
    description: BundleDescription,
    report: Evaluation | None,
    config: RunConfig,
    dataset: CardDataset | None,
    *,
    robust: bool = False,
) -> str:
    """Return the checklist as Markdown: a table, and how many items are filled.

    Args:
        description: The description in the model's bundle.
        report: The run's evaluation; None where it is lost.
        config: The run's configuration.
        dataset: The run's `dataset.json`; None where it is lost.
        robust: Whether it was measured how answers change when images get worse.
    """
    items = checklist(description, report, config, dataset, robust=robust)
    filled = sum(bool(item.answer) for item in items)
    rows = [f"| {item.number} | {item.topic} | {item.answer or OPEN} |" for item in items]
    table = "\n".join(["| item | topic | answer |", "|---|---|---|", *rows])
    return f"{SOURCES}\n\n{filled} of {len(items)} items are filled.\n\n{table}"


def checklist(
    description: BundleDescription,
    report: Evaluation | None,
    config: RunConfig,
    dataset: CardDataset | None,
    *,
    robust: bool = False,
) -> list[Item]:
    """Return all items in their order; arguments as for `checklist_section`."""
    return [
        *_study(description),
        *_data(description, dataset),
        *_reference(),
        *_partitions(description, report, config, dataset),
        *_model(description, config),
        *_evaluation(description, report, robust),
        *_results(report, dataset),
        *_other(),
    ]


def _study(description: BundleDescription) -> list[Item]:
    what = facts_of(description.task).does
    return [
        Item("1", "Kind of AI in the title", f"Deep learning: a {description.arch} that {what}"),
        Item("2", "Structured summary"),
        Item("3", "Background, intended use and role of the model", "Section “Purpose”; no clinical role"),
        Item("4", "Aims and hypotheses"),
        Item("5", "Prospective or retrospective"),
        Item("6", "Goal of the study"),
    ]


def _data(description: BundleDescription, dataset: CardDataset | None) -> list[Item]:
    left_out = f"{len(dataset['unreadable'])} unreadable files were left out" if dataset else ""
    synthetic = "Synthetic images: there is no scanner" if dataset and dataset["synthetic"] else ""
    return [
        Item("7", "Data sources"),
        Item("8", "Inclusion and exclusion criteria"),
        Item("9", "Preparation of the data", "Section “Preparation of an image”"),
        Item("10", "Selection of a part of the data"),
        Item("11", "De-identification", synthetic and "Not needed: synthetic images"),
        Item("12", "Handling of missing data", left_out),
        Item("13", "Image acquisition: sequences, scanners, field strength", synthetic),
    ]


def _reference() -> list[Item]:
    return [
        Item("14", "How the reference standard was obtained"),
        Item("15", "Why this reference standard"),
        Item("16", "Who set the labels, and their experience"),
        Item("17", "Labels of the test set"),
        Item("18", "Agreement between and within readers"),
    ]


def _partitions(
    description: BundleDescription, report: Evaluation | None, config: RunConfig, dataset: CardDataset | None
) -> list[Item]:
    facts = as_validation(report) if report else description.validation
    known = (dataset.get("patients") if dataset else None) or facts.get("patients_known")
    level = ""
    if config.data.split in ("grouped", "k-fold"):
        level = "Copies, exact and near, stay on one side"
        level += ", and so do patients" if known and known["count"] else "; patients are not known"
    elif config.data.split == "random":
        level = "Single images: copies and slices of one patient may be on both sides"
    count = facts.get("count")
    size = f"{count} evaluated images; not planned in advance" if count else ""
    return [
        Item("19", "How data were assigned to sets", f"Split `{config.data.split}`, seed {config.data.seed}"),
        Item("20", "Level at which the sets are disjoint", level),
        Item("21", "Planned sample size", size),
    ]


def _model(description: BundleDescription, config: RunConfig) -> list[Item]:
    libraries = ", ".join(f"{name} {version}" for name, version in description.libraries.items())
    taken = description.pretraining.get("taken")
    start = "Random weights" if not taken else "Section “Weights that it started from”"
    chosen = "Epoch with the lowest validation loss" if config.training.keep == "best" else "The last epoch"
    return [
        Item("22", "Description of the model", f"{description.arch}, {description.head}; section “How it was made”"),
        Item("23", "Software", f"brainseg {description.brainseg}, {libraries}"),
        Item("24", "Initial weights", start),
        Item("25", "Training: all settings", "Section “How it was made”"),
        Item("26", "Choice of the final model", chosen),
        Item("27", "Ensembles", "None: one model"),
    ]


def _evaluation(description: BundleDescription, report: Evaluation | None, robust: bool) -> list[Item]:
    state = description.calibration
    calibrated = f"; probabilities calibrated on {state.count} images" if isinstance(state, Calibration) else ""
    seen = "The metrics section" if report else ""
    facts = as_validation(report) if report else description.validation
    test = "test" if facts.get("evaluated_on") == "test" else "validation"
    return [
        Item("28", "Metrics", seen and f"{seen}{calibrated}"),
        Item("29", "Uncertainty and significance", seen and "95 % intervals; how, in “Limits and uncertainty”"),
        Item("30", "Robustness or sensitivity analysis", "Section “When images get worse”" if robust else ""),
        Item("31", "Explainability", "Heatmaps show where the model looked, not where the tumour is"),
        Item("32", "Evaluation on internal data", f"On the {test} set" if facts.get("count") else ""),
        Item("33", "Evaluation on external data"),
        Item("34", "Trial registration"),
    ]


def _results(report: Evaluation | None, dataset: CardDataset | None) -> list[Item]:
    sides = dataset["sides"] if dataset else None
    counted = ", ".join(f"{literal(name)} {count}" for name, count in sides.items()) if sides else ""
    return [
        Item("35", "Numbers included and excluded", counted and f"Images: {counted}"),
        Item("36", "Demographic and clinical facts of each set"),
        Item("37", "Performance with its uncertainty", "The metrics section" if report else ""),
        Item("38", "Diagnostic performance and its precision", "The metrics section" if report else ""),
        Item("39", "Analysis of failures"),
    ]


def _other() -> list[Item]:
    return [
        Item("40", "Limitations", "Section “Limits and uncertainty”"),
        Item("41", "Implications for practice", f"None: {brainseg.DISCLAIMER.rstrip('.').lower()}"),
        Item("42", "Study protocol"),
        Item("43", "Availability of software, model and data"),
        Item("44", "Funding"),
        Item("AI", "Version of the model, and how it changes", "Version and digest in “How it was made”"),
        Item("AI", "Who uses it and how: input, output, people in the loop"),
        Item("AI", "Errors and biases in groups of patients"),
        Item("AI", "Commercial interests"),
        Item("AI", "Audit and monitoring after deployment", "`brainseg monitor` and the Monitoring page"),
    ]
