"""The methods for drawing a heatmap, by name; this module does not import torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A method for drawing a heatmap.

    Attributes:
        title: Its name in the literature.
        of_a_class: Whether each class has its own map; otherwise one map is the same for all classes.
        about: One sentence on what the map shows and how long it takes.
    """

    title: str
    of_a_class: bool
    about: str


DEFAULT = "grad-cam"
METHODS = {
    DEFAULT: Method(
        "Grad-CAM",
        True,
        "weights each channel by how strongly it raises the score of the class; as fast as the answer itself.",
    ),
    "layer-cam": Method(
        "LayerCAM",
        True,
        "weights each position in each channel by how strongly its value raises the score; sharp at early layers, "
        "where Grad-CAM shows little; as fast as the answer itself at late layers, a third slower at layer1.",
    ),
    "smooth-layer-cam": Method(
        "smoothed LayerCAM",
        True,
        "is LayerCAM blurred over a sixteenth of the image, so an area counts for more than one bright point; "
        "for layer1 and layer2.",
    ),
    "grad-cam++": Method(
        "Grad-CAM++",
        True,
        "weights each position separately, so several spots of one class all show up; as fast as Grad-CAM.",
    ),
    "eigen-cam": Method(
        "EigenCAM",
        False,
        "shows the layer's strongest pattern, whatever the class; as fast as Grad-CAM at layer4, slower at layer1.",
    ),
    "score-cam": Method(
        "ScoreCAM",
        True,
        "masks the image with each channel in turn and runs the model again; slow: one run per channel (64 to 2,048 "
        "channels), which takes from seconds to several minutes per image.",
    ),
}


def layer_name(stage: int) -> str:
    """Return torchvision's name of a residual stage: `layer1` (fine, early) to `layer4` (coarse, late)."""
    return f"layer{stage}"


def heatmap_title(explained: str, *ways: tuple[str, int]) -> str:
    """Return the title of a heatmap, such as "Heatmap for class yes by LayerCAM on layer1".

    Args:
        explained: The class that the heatmap explains.
        ways: Method and stage of each map in it; the mean of several models' maps may have several.
    """
    of_a_class = any(METHODS[method].of_a_class for method, _ in ways)
    what = f"for class {explained}" if of_a_class else "of the strongest pattern, for no class in particular,"
    drawn = " and ".join(f"{METHODS[method].title} on {layer_name(stage)}" for method, stage in ways)
    return f"Heatmap {what} by {drawn}"
