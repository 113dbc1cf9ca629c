"""The ways to draw a heatmap, by name; torch is not needed to know them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A way to draw a heatmap.

    Attributes:
        title: Its name in the literature.
        of_a_class: Whether the map is of one class; otherwise it is the same for all.
        about: One sentence on what it shows and what it costs.
    """

    title: str
    of_a_class: bool
    about: str


DEFAULT = "grad-cam"
METHODS = {
    DEFAULT: Method(
        "Grad-CAM",
        True,
        "weighs the channels by how much the score of the class grows with them; as fast as the answer itself.",
    ),
    "grad-cam++": Method(
        "Grad-CAM++",
        True,
        "weighs each place by itself, so that several spots of one class all show; as fast as Grad-CAM.",
    ),
    "eigen-cam": Method(
        "EigenCAM",
        False,
        "shows the strongest pattern in the layer, whatever the class; as fast at layer4, slower at layer1.",
    ),
    "score-cam": Method(
        "ScoreCAM",
        True,
        "hides the image behind each channel in turn and asks again; slow: one answer a channel, 64 to 2,048 of them, "
        "from seconds to several minutes an image.",
    ),
}


def layer_name(stage: int) -> str:
    """Return torchvision's name of a residual stage: `layer1` (fine, early) to `layer4` (coarse, late)."""
    return f"layer{stage}"


def heatmap_title(method: str, stage: int, explained: str) -> str:
    """Say what a heatmap shows: "Heatmap for class yes by Grad-CAM on layer4"."""
    known = METHODS[method]
    what = f"for class {explained}" if known.of_a_class else "of the strongest pattern, for no class in particular,"
    return f"Heatmap {what} by {known.title} on {layer_name(stage)}"
