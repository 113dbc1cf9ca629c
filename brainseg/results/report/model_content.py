"""What a report says about the models: how they were tested, parts of their cards, versions and hashes."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata

import brainseg
from brainseg.diagnosis.heatmap_checks.stored import StoredHeatmaps
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.models.description import BundleDescription
from brainseg.models.ensemble import ModelDescription
from brainseg.results.by_task import results_of
from brainseg.results.classification.card import calibration_line, operating_line
from brainseg.results.markdown import plain, plain_items
from brainseg.results.model_card import USERS
from brainseg.results.report.content import Block, Bullets, Facts, Section, Text
from brainseg.results.run_wording import moment
from brainseg.results.segmentation.card import NOT_CALIBRATED
from brainseg.tasks import facts_of

LIBRARIES = ("torch", "numpy", "opencv-python-headless", "scipy", "pydicom", "SimpleITK", "nibabel", "reportlab")
"""Packages whose versions a report names, as far as they are installed."""
SHORT = 12
"""Digits of a hash that tell images apart."""
BUNDLE, ENSEMBLE = "SHA-256 of its bundle", "SHA-256 of the ensemble"
TESTED, CARD, VERSIONS = "Test and calibration", "From the model card", "Versions and hashes"


@dataclass(frozen=True)
class AskedModel:
    """A model that answered.

    Attributes:
        name: Name and version, as every answer names it.
        description: The description in its bundle.
        heatmaps: What was measured on its heatmaps; None without a measurement.
    """

    name: str
    description: BundleDescription
    heatmaps: StoredHeatmaps | None = None


def evaluation_section(
    models: Sequence[AskedModel],
    in_domain: bool | None,
    more: Sequence[Block] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> Section:
    """Return how well each model did, how it is calibrated and decides, and whether it knows such images.

    Args:
        models: The models.
        in_domain: Whether the image or volume is like the training images; None if a bundle cannot tell.
        more: Further blocks on the models.
        facts: Further facts on whether they know such images.
    """
    blocks = [Bullets(tuple(_evaluation_lines(each, several=len(models) > 1))) for each in models]
    known = "unknown" if in_domain is None else "yes" if in_domain else "no"
    return Section(TESTED, (*blocks, *more, Facts((("Like the training images", known), *facts))))


def evaluation_lines(description: ModelDescription) -> Iterator[str]:
    """Yield how well a model, or a stored ensemble, did on held-out images, and how it is calibrated and decides."""
    yield evaluation_sentence(description.validation)
    if isinstance(description, BundleDescription) and facts_of(description.task).has_masks:
        yield NOT_CALIBRATED
        return
    yield calibration_line(description)
    yield operating_line(description)


def _evaluation_lines(model: AskedModel, *, several: bool) -> Iterator[str]:
    first, *others = evaluation_lines(model.description)
    yield f"{model.name}: {first}" if several else first
    yield from others


def card_section(models: Sequence[AskedModel]) -> Section:
    """Return purpose, users, wrong uses and limits of each model, as its model card has them."""
    parts: dict[str, Callable[[AskedModel], Block]] = {
        "Purpose": _purpose,
        "What it is not for": _not_for,
        "Limits and uncertainty": _limits,
    }
    blocks: list[Block] = [Text("Intended users", "strong"), Text(USERS)]
    for title, part in parts.items():
        same: dict[Block, list[str]] = {}
        for model in models:
            same.setdefault(part(model), []).append(model.name)
        for block, names in same.items():
            whose = f": {', '.join(names)}" if len(same) > 1 else ""
            blocks += [Text(f"{title}{whose}", "strong"), block]
    return Section(CARD, tuple(blocks))


def _purpose(model: AskedModel) -> Block:
    return Text(plain(results_of(model.description.task).card.purpose(model.description)))


def _not_for(model: AskedModel) -> Block:
    return Bullets(tuple(plain_items(results_of(model.description.task).card.not_for)))


def _limits(model: AskedModel) -> Block:
    card, said = results_of(model.description.task).card, set(evaluation_lines(model.description))
    lines = [line for each in card.limits(model.description, None, None) for line in plain_items(each)]
    return Bullets(tuple(line for line in lines if line not in said))


def version_section(
    facts: Sequence[tuple[str, str]], models: Sequence[tuple[AskedModel, str]], created: datetime, more: str = ""
) -> Section:
    """Return what is needed to get the same answer again.

    Args:
        facts: Names and values of the image or volume.
        models: The models, each with the SHA-256 of its bundle.
        created: When the report was made, in UTC.
        more: The SHA-256 of a stored ensemble; "" without one.
    """
    rows = [*facts]
    for model, digest in models:
        rows.append(("Model", model.name))
        rows.append((BUNDLE, digest))
        rows.append(("Model made", f"{_time(model.description.created)}, brainseg {model.description.brainseg}"))
        rows.append(("Model made with", _listed(model.description.libraries.items())))
    rows += [(ENSEMBLE, more)] if more else []
    rows.append(("Report made", f"{moment(created)}, brainseg {brainseg.__version__}"))
    rows.append(("Report made with", _listed(_installed())))
    return Section(VERSIONS, (Facts(tuple(rows), frozenset({BUNDLE, ENSEMBLE})),))


def short_hash(sha256: str) -> str:
    """Return the first digits of a hash, or of several that a plus joins.

    >>> short_hash("0123456789abcdef" * 4 + "+" + "f" * 64)
    '0123456789ab+ffffffffffff'
    """
    return "+".join(each[:SHORT] for each in sha256.split("+"))


def _time(stored: str) -> str:
    """Return a stored time as all times are written; what is none stays as it is."""
    try:
        return moment(datetime.fromisoformat(stored).astimezone(UTC))
    except ValueError:
        return stored


def _listed(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions)


def _installed() -> Iterator[tuple[str, str]]:
    yield "Python", platform.python_version()
    for name in LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
