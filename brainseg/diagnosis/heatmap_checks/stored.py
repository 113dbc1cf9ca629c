"""The content of `heatmaps.json`, with its types and its one reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.diagnosis.pointing import StoredPointing
from brainseg.errors import RunError
from brainseg.models.validation import Interval

HEATMAPS = "heatmaps.json"
SCHEMA = 2
"""Version of `heatmaps.json`. A file without the field `schema` is of version 1: a `StoredPointing` alone."""

OrderName = Literal["heatmap", "random", "centre"]
BaselineName = Literal["random", "centre"]


class Measured(TypedDict):
    """The mean of a quantity over images.

    Attributes:
        value: The mean; None if it is not defined for any image.
        interval: Its 95 % interval by bootstrap over patients and groups of copies; None with fewer than two of them.
        n: Images for which it is defined.
    """

    value: float | None
    interval: Interval
    n: int


class StoredCurves(TypedDict):
    """The mean deletion and insertion curves; see `heatmap_checks.curves`.

    Attributes:
        fill: What replaces removed pixels, in words.
        fractions: Fractions of the pixels that are removed or inserted, ascending from 0 to 1.
        deletion: Order of the pixels -> mean probability of the explained class at each fraction.
        insertion: The same while pixels are inserted.
        deletion_area: Order -> area under the deletion curve; small is good.
        insertion_area: Order -> area under the insertion curve; large is good.
        deletion_gain: Baseline -> how much smaller the heatmap's deletion area is, image by image.
        insertion_gain: Baseline -> how much larger its insertion area is.
    """

    fill: str
    fractions: list[float]
    deletion: dict[OrderName, list[float]]
    insertion: dict[OrderName, list[float]]
    deletion_area: dict[OrderName, Measured]
    insertion_area: dict[OrderName, Measured]
    deletion_gain: dict[BaselineName, Measured]
    insertion_gain: dict[BaselineName, Measured]


class Randomised(TypedDict):
    """How similar maps stay when a network's last layers become random.

    Attributes:
        layers: The random layers, such as "head" or "head to layer3".
        similarity: Spearman's correlation with the original maps; images with an empty map do not count.
    """

    layers: str
    similarity: Measured


class ClassSimilarity(TypedDict):
    """How similar the maps of correctly classified images are; each value is a mean over pairs of images.

    Attributes:
        within: Of two images of one class.
        between: Of two images of different classes.
        difference: within - between.
        per_class: Class -> `within` for pairs of that class.
    """

    within: Measured
    between: Measured
    difference: Measured
    per_class: dict[str, Measured]


class HeatmapChecks(TypedDict):
    """The checks of a model's heatmaps on a sample of held-out images; each map explains the predicted class.

    Attributes:
        images: Images in the sample.
        held_out: Held-out images that it was drawn from.
        groups: Patients and groups of copies in the sample.
        seed: Seed of the sample and of all random orders and weights.
        version: Version of the model.
        method: How the maps were drawn, a key of `methods.METHODS`.
        stage: The residual stage that they were taken from.
        layer: Its name.
        empty: Images whose map is zero everywhere.
        curves: Deletion and insertion.
        road: ROAD, see `heatmap_checks.road`; None without the grad-cam package.
        randomisation: One entry per depth, from the head alone to the whole network.
        classes: Similarity within and between classes.
    """

    images: int
    held_out: int
    groups: int
    seed: int
    version: str
    method: str
    stage: int
    layer: str
    empty: int
    curves: StoredCurves
    road: Measured | None
    randomisation: list[Randomised]
    classes: ClassSimilarity


class StoredHeatmaps(TypedDict):
    """The content of `heatmaps.json`.

    Attributes:
        schema: Version of the file.
        pointing: How often the heatmaps find the tumour; None without masks.
        checks: The checks that need no masks; None if they were not made.
    """

    schema: int
    pointing: StoredPointing | None
    checks: HeatmapChecks | None


_TYPE = TypeAdapter(StoredHeatmaps)


def stored_heatmaps(pointing: StoredPointing | None, checks: HeatmapChecks | None = None) -> StoredHeatmaps:
    """Return the content of a new `heatmaps.json`."""
    return {"schema": SCHEMA, "pointing": pointing, "checks": checks}


def read_heatmaps(values: Mapping[str, Any]) -> StoredHeatmaps:
    """Check the content of a `heatmaps.json` of any version up to `SCHEMA`.

    Raises:
        ValueError: A field is missing or has another type.
        RunError: A newer brainseg wrote the file.

    Examples:
        >>> read_heatmaps({"schema": 2, "pointing": None, "checks": None})["schema"]
        2
    """
    schema = values.get("schema", 1)
    if schema == 1:
        values = stored_heatmaps(cast("StoredPointing", dict(values)))
    elif schema != SCHEMA:
        raise RunError(
            f"{HEATMAPS} has schema {schema}, and this brainseg reads up to {SCHEMA}: install a newer brainseg."
        )
    return _TYPE.validate_python(values)
