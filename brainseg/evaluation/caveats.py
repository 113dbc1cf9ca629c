"""Caveats: the reasons why metrics of an evaluation may be too good."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from brainseg.datasets.copy_messages import learnt_from
from brainseg.datasets.patient_messages import unknown_patients
from brainseg.evaluation.collapse import collapse_sentence
from brainseg.evaluation.stored import Evaluation, as_validation
from brainseg.models.validation import Validation


class CaveatKind(StrEnum):
    """Why metrics may be too good."""

    COLLAPSED = "collapsed"
    """The model predicts one class for everything."""
    SYNTHETIC = "synthetic"
    """Evaluated images are synthetic."""
    SELECTED = "selected"
    """The best epoch was chosen on the evaluated images."""
    COPIES = "copies"
    """Some evaluated images, or copies of them, are also in the training set."""
    PATIENTS_UNKNOWN = "patients unknown"
    """Slices of one patient may be in both the training and the validation set."""
    RANDOM_SPLIT = "random split"
    """The same, since the split is by image."""


@dataclass(frozen=True)
class Caveat:
    """One reason why metrics may be too good.

    Attributes:
        kind: The reason, for programs.
        phrase: The reason, as the end of a sentence without a full stop.
    """

    kind: CaveatKind
    phrase: str


def caveats_of(facts: Evaluation | Validation) -> tuple[Caveat, ...]:
    """Return why the metrics of an evaluation may be too good, most serious reason first.

    Args:
        facts: A run's `evaluation.json`, or the field `validation` of a bundle. Missing fields give no caveat.

    Examples:
        >>> [caveat.phrase for caveat in caveats_of({"split": "random"})]
        ['split at random, so slices of one patient may be on both sides of the split']
        >>> [caveat.kind.value for caveat in caveats_of({"copies_in_training": 3, "selected_on_these_images": True})]
        ['selected', 'copies']
        >>> [caveat.phrase for caveat in caveats_of({"count": 50, "synthetic": 50})]
        ['all of them are synthetic, so the metrics say nothing about patients']
        >>> [caveat.phrase for caveat in caveats_of({"count": 50, "synthetic": 8})]
        ['8 of them are synthetic']
        >>> caveats_of({"split": "grouped", "synthetic": 0})
        ()
    """
    found = []
    if collapsed := collapse_sentence(facts):
        found.append(Caveat(CaveatKind.COLLAPSED, collapsed[0].lower() + collapsed[1:].rstrip(".")))
    if synthetic := facts.get("synthetic", 0):
        found.append(Caveat(CaveatKind.SYNTHETIC, _synthetic(synthetic, facts)))
    if facts.get("selected_on_these_images"):
        chosen = "the best epoch was chosen on these same images, so expect lower metrics on new ones"
        found.append(Caveat(CaveatKind.SELECTED, chosen))
    if copies := learnt_from(facts):
        found.append(Caveat(CaveatKind.COPIES, copies))
    if unknown := unknown_patients(facts):
        found.append(Caveat(CaveatKind.PATIENTS_UNKNOWN, unknown))
    elif facts.get("split") == "random":
        words = "split at random, so slices of one patient may be on both sides of the split"
        found.append(Caveat(CaveatKind.RANDOM_SPLIT, words))
    return tuple(found)


def _synthetic(synthetic: int, facts: Evaluation | Validation) -> str:
    """Return the reason for evaluated images that are synthetic; `synthetic` is their number."""
    if synthetic == as_validation(facts).get("count"):
        return "all of them are synthetic, so the metrics say nothing about patients"
    return f"{synthetic:,} of them are synthetic"
