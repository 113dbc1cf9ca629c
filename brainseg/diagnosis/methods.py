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
    "layer-cam": Method(
        "LayerCAM",
        True,
        "weighs each place of each channel by how much the score grows with that very value; sharp at early layers, "
        "where Grad-CAM says little; as fast as the answer itself at late layers, a third slower at layer1.",
    ),
    "smooth-layer-cam": Method(
        "smoothed LayerCAM",
        True,
        "is LayerCAM blurred over a sixteenth of the image, so that an area counts for more than one bright point; "
        "for layer1 and layer2.",
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


def heatmap_title(explained: str, *ways: tuple[str, int]) -> str:
    """Say what a heatmap shows: "Heatmap for class yes by LayerCAM on layer1".

    Args:
        explained: The class that it explains.
        ways: Method and stage of each map in it; a mean of several models' maps may have several.
    """
    of_a_class = any(METHODS[method].of_a_class for method, _ in ways)
    what = f"for class {explained}" if of_a_class else "of the strongest pattern, for no class in particular,"
    drawn = " and ".join(f"{METHODS[method].title} on {layer_name(stage)}" for method, stage in ways)
    return f"Heatmap {what} by {drawn}"
