"""The model card of an ensemble; the cards of its members tell what each was trained on, and how."""

from __future__ import annotations

import brainseg
from brainseg.datasets.report_fields import StoredReport
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.models.ensemble import Ensemble, MemberModel
from brainseg.results.classification import card
from brainseg.results.ensembles.words import basis_sentence
from brainseg.results.markdown import literal
from brainseg.results.model_card import USERS
from brainseg.runs import Run


def ensemble_card(
    run: Run, ensemble: Ensemble, report: ClassificationEvaluation | None, dataset: StoredReport | None
) -> str:
    """Write the card of an ensemble as Markdown.

    Args:
        run: Its run.
        ensemble: What is stored of it.
        report: Its evaluation; None where it is lost.
        dataset: The `dataset.json` of its images; None where it is lost.
    """
    described = ensemble.description
    measured = evaluation_sentence(described.validation)
    lost = f"{measured} The rest of the evaluation is lost: `evaluation.json` is missing."
    sections = {
        "Purpose": card.purpose(described),
        "Intended users": USERS,
        "What it is not for": card.NOT_FOR,
        "Members": _members(run, described.members),
        "How often it is right": card.metrics(report) if report else lost,
        "Split and leakage": basis_sentence(described),
        "Limits and uncertainty": "\n".join(card.limits(described, report, dataset)),
        "How it was made": f"* Version `{ensemble.version}`, {described.created}, brainseg {described.brainseg}",
    }
    title = f"# Model card: {literal(described.name)}\n\n**{brainseg.DISCLAIMER}**"
    return "\n\n".join([title, *(f"## {name}\n\n{text}" for name, text in sections.items())]) + "\n"


def _members(run: Run, members: tuple[MemberModel, ...]) -> str:
    networks = {member.run: member.network for member in run.members}
    rows = [
        f"| {literal(each.name)} | {literal(networks.get(each.run, 'unknown'))} | `{each.digest[:12]}` "
        f"| {each.accuracy:.3f} |"
        for each in members
    ]
    head = ["| run | network | version | accuracy on the same images |", "|---|---|---|---|"]
    about = "The cards of these runs have their data, preparation, settings and reporting checklist."
    return "\n".join([*head, *rows, "", about])
